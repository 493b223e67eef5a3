{#- Several paid orders of one day are one purchase day: the published models of frequency count
    days. Refunds lower the day of their order. -#}
with orders as (
    select
        source_id as order_id,
        customer_id,
        min(case when activity = 'order_paid' then activity_date end) as purchase_date,
        sum(amount) as net_revenue
    from {{ ref('int_customer_activities') }}
    where activity in ('order_paid', 'order_refunded') and voided_date is null
    group by source_id, customer_id
),

costed as (
    select
        orders.customer_id,
        orders.purchase_date,
        orders.net_revenue,
        landed.cost_amount
    from orders
    inner join {{ ref('stg_orders') }} as landed on orders.order_id = landed.order_id
)

select
    customer_id,
    purchase_date,
    count(*) as order_count,
    count(cost_amount) as costed_order_count,
    cast(sum(net_revenue) as decimal(18, 2)) as net_revenue,
    cast(
        coalesce(sum(case when cost_amount is not null then net_revenue end), 0) as decimal(18, 2)
    ) as costed_revenue,
    cast(coalesce(sum(cost_amount), 0) as decimal(18, 2)) as cost_amount
from costed
group by customer_id, purchase_date
