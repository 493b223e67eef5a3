with activities as (
    select * from {{ ref('int_customer_activities') }}
    where voided_date is null and activity in ('order_paid', 'order_refunded')
),

refunds as (
    select
        source_id,
        sum(amount) as amount
    from activities
    where activity = 'order_refunded'
    group by source_id
)

select
    activities.source_id as order_id,
    activities.customer_id,
    -- The order knows best; who brought the customer comes next.
    coalesce(orders.reseller_id, customers.reseller_id, '(direct)') as reseller_id,
    activities.amount + coalesce(refunds.amount, 0) as net_revenue,
    activities.activity_date as order_date
from activities
inner join {{ ref('stg_orders') }} as orders on activities.source_id = orders.order_id
inner join {{ ref('int_customers') }} as customers
    on activities.customer_id = customers.customer_id
left join refunds on activities.source_id = refunds.source_id
where activities.activity = 'order_paid'
