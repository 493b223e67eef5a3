-- To the cent: a customer's months add up to the customer, whether refunds are booked on their own
-- day (months) or taken off the order (customers).
with months as (
    select
        customer_id,
        sum(net_revenue) as net_revenue,
        sum(login_count) as login_count,
        sum(successful_login_count) as successful_login_count,
        sum(touch_count) as touch_count
    from {{ ref('customer_months') }}
    group by customer_id
)

select
    customers.customer_id,
    customers.net_revenue,
    months.net_revenue as net_revenue_of_months
from {{ ref('customers') }} as customers
left join months on customers.customer_id = months.customer_id
where
    customers.net_revenue <> coalesce(months.net_revenue, 0)
    or customers.login_count <> coalesce(months.login_count, 0)
    or customers.successful_login_count <> coalesce(months.successful_login_count, 0)
    or customers.touch_count <> coalesce(months.touch_count, 0)
