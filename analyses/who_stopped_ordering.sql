-- Who ordered in the last complete month but one and not in the last complete one? The most revenue
-- at stake first. An order that was refunded in full is no order.
with last_month as (
    select max(month) as month
    from {{ ref('revenue_movements') }}
    where stream = 'orders' and segment = 'all' and is_complete
)

select
    movements.customer_id,
    customers.state,
    movements.month,
    movements.opening as revenue_of_month_before,
    customers.net_revenue,
    customers.order_count,
    customers.is_subscribed,
    customers.has_consent,
    customers.last_order_date
from {{ ref('customer_movements') }} as movements
inner join last_month on movements.month = last_month.month
inner join {{ ref('customers') }} as customers on movements.customer_id = customers.customer_id
where movements.stream = 'orders' and movements.movement = 'churned'
order by movements.opening desc, movements.customer_id asc
