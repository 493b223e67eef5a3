{#- How a customer does today. Every mart about leaving reads silence, rhythm, usage and money at
    risk from here. -#}
with customers as (
    select * from {{ ref('int_customers') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

totals as (
    select * from {{ ref('int_customer_totals') }}
),

streaks as (
    select * from {{ ref('int_login_streaks') }}
),

states as (
    select
        customer_id,
        state,
        since_date
    from {{ ref('int_customer_states') }}
    where until_date is null
),

last_rhythm as (
    select * from {{ ref('int_customer_rhythm') }} where next_day = cast('9999-12-31' as date)
),

rhythm as (
    select
        last_rhythm.*,
        {{ days_between('last_rhythm.last_active_date', 'calendar.as_of_date') }} as days_silent,
        {{ usage_trend_on('calendar.as_of_date') }} as usage_trend
    from last_rhythm
    cross join calendar
),

recent_orders as (
    select
        activities.customer_id,
        sum(activities.amount) as net_revenue
    from {{ ref('int_customer_activities') }} as activities
    cross join calendar
    where
        activities.activity in ('order_paid', 'order_refunded')
        and activities.voided_date is null
        and {{ days_between('activities.activity_date', 'calendar.as_of_date') }} < 365
    group by activities.customer_id
),

money as (
    select
        customers.customer_id,
        cast(coalesce(totals.monthly_recurring_revenue, 0) as decimal(18, 2))
            as monthly_recurring_revenue,
        -- Refunds of older orders can outweigh a year's orders: there is nothing left to lose then.
        cast(
            case when recent_orders.net_revenue > 0 then recent_orders.net_revenue else 0 end
            as decimal(18, 2)
        ) as order_revenue_365d,
        coalesce(totals.running_subscription_count, 0) > 0 as is_subscribed
    from customers
    left join totals on customers.customer_id = totals.customer_id
    left join recent_orders on customers.customer_id = recent_orders.customer_id
)

select
    customers.customer_id,
    -- Nothing dates a customer who is only named.
    coalesce(states.state, 'prospect') as state,
    coalesce(streaks.failed_login_streak, 0) as failed_login_streak,
    rhythm.days_silent,
    rhythm.typical_gap_days,
    cast(rhythm.days_silent as double precision) / nullif(rhythm.typical_gap_days, 0)
        as overdue_ratio,
    rhythm.usage_trend,
    rhythm.usage_trend_at_login,
    money.order_revenue_365d,
    money.monthly_recurring_revenue,
    cast(
        money.order_revenue_365d + 12 * money.monthly_recurring_revenue as decimal(18, 2)
    ) as revenue_at_risk,
    money.is_subscribed,
    customers.has_consent,
    rhythm.first_paid_date,
    rhythm.last_active_date,
    rhythm.last_login_date,
    rhythm.fourth_last_login_date,
    states.since_date as state_since,
    calendar.as_of_date
from customers
cross join calendar
inner join money on customers.customer_id = money.customer_id
left join states on customers.customer_id = states.customer_id
left join rhythm on customers.customer_id = rhythm.customer_id
left join streaks on customers.customer_id = streaks.customer_id
