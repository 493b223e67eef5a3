-- To the cent and to the order: whoever has a paid order has a value, and its history is the
-- customer's.
select
    customers.customer_id,
    customers.net_revenue,
    clv.historic_revenue,
    customers.order_count,
    clv.order_count as order_count_of_value
from {{ ref('int_customer_totals') }} as customers
full outer join {{ ref('customer_lifetime_value') }} as clv
    on customers.customer_id = clv.customer_id
where
    (customers.customer_id is null and clv.customer_id is not null)
    or (customers.order_count > 0 and clv.customer_id is null)
    or customers.net_revenue <> clv.historic_revenue
    or customers.order_count <> clv.order_count
    or customers.purchase_day_count <> clv.frequency + 1
