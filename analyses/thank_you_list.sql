-- Who of the most valuable has not heard from us for 90 days? The most valuable first, with what a
-- gift may cost.
select
    clv.customer_id,
    clv.value_tier,
    clv.rfm_segment,
    clv.gift_budget,
    clv.predicted_value_365d,
    clv.historic_revenue,
    customers.has_consent,
    clv.last_contact_date
from {{ ref('customer_lifetime_value') }} as clv
inner join {{ ref('customers') }} as customers on clv.customer_id = customers.customer_id
where
    clv.gift_budget > 0
    and (
        clv.last_contact_date is null
        or clv.last_contact_date <= clv.as_of_date - interval '90 days'
    )
order by
    clv.value_decile asc,
    coalesce(clv.predicted_value_365d, clv.historic_revenue) desc,
    clv.customer_id asc
