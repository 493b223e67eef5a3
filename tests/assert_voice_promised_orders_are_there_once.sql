-- Every order of a customer with a promised date is there once, and what is told of it agrees.
with promised as (
    select orders.order_id
    from {{ ref('stg_orders') }} as orders
    inner join {{ ref('int_customer_activities') }} as activities
        on orders.order_id = activities.source_id
    where
        orders.promised_at is not null
        and activities.activity in ('order_trial', 'order_sample', 'order_paid', 'order_unpaid')
),

kept as (
    select * from {{ ref('promises_kept') }}
)

select
    coalesce(kept.order_id, promised.order_id) as order_id,
    'not the same in the stream' as problem
from kept
full outer join promised on kept.order_id = promised.order_id
where kept.order_id is null or promised.order_id is null
union all
select
    order_id,
    'several rows' as problem
from kept
group by order_id
having count(*) > 1
union all
select
    order_id,
    'times and answers do not agree' as problem
from kept
where
    (is_late is null) <> (days_late is null)
    or (days_late > 0) <> is_late
    or coalesce(is_red_flag, false)
    <> (coalesce(is_late, false) or coalesce(is_invoiced_before_delivery, false))
    or (is_red_flag is null and is_delivered is not null)
    or coalesce(is_delivered, false) <> (delivered_at is not null)
    or (is_delivered and days_late is null)
    or (not is_delivered and days_late <= 0)
    or (first_score_30d is not null and not coalesce(is_delivered, false))
