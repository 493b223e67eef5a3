with activities as (
    select * from {{ ref('int_customer_activities') }}
    where
        voided_date is null
        and activity in (
            'order_paid', 'order_refunded', 'subscription_month', 'subscription_ended'
        )
),

-- A refund lowers the month of its order, so that a month's revenue is what was kept of it.
orders as (
    select
        customer_id,
        source_id,
        min(case when activity = 'order_paid' then activity_date end) as ordered_date,
        sum(amount) as revenue
    from activities
    where activity in ('order_paid', 'order_refunded')
    group by customer_id, source_id
),

order_months as (
    select
        customer_id,
        {{ period_of('ordered_date', 'month') }} as month,
        sum(revenue) as revenue
    from orders
    group by customer_id, {{ period_of('ordered_date', 'month') }}
),

subscription_changes as (
    select
        customer_id,
        {{ period_of('activity_date', 'month') }} as month,
        sum(case when activity = 'subscription_ended' then -amount else amount end) as change
    from activities
    where
        activity = 'subscription_ended'
        or (activity = 'subscription_month' and quantity = 1)
    group by customer_id, {{ period_of('activity_date', 'month') }}
),

recurring as (
    select
        customer_id,
        month,
        sum(change) over (partition by customer_id order by month rows unbounded preceding)
            as revenue,
        lead(month) over (partition by customer_id order by month) as next_change_month
    from subscription_changes
),

-- What runs at the end of a month runs on in each month until the next change.
subscription_months as (
    select
        recurring.customer_id,
        months.month,
        recurring.revenue
    from recurring
    inner join {{ ref('int_months') }} as months
        on recurring.month <= months.month
        and (recurring.next_change_month is null or recurring.next_change_month > months.month)
)

select
    'orders' as stream,
    customer_id,
    month,
    cast(revenue as decimal(18, 2)) as revenue
from order_months
where revenue > 0
union all
select
    'subscriptions' as stream,
    customer_id,
    month,
    cast(revenue as decimal(18, 2)) as revenue
from subscription_months
where revenue > 0
