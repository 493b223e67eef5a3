{{ config(materialized='incremental', meta={'touched_by': 'int_touched_rhythms'}) }}
{#- What a state depends on, on days when it can change; days before a period only feed it. -#}
with activities as (
    select * from {{ ref('int_customer_activities') }}
    where
        activity in ('order_paid', 'login_success', 'subscription_ended', 'subscription_month')
        and (activity <> 'subscription_month' or quantity = 1)
        and {{ is_touched(by='int_touched_rhythms') }}
),

thresholds as (
    {{ thresholds(['lost_after_days', 'own_rhythm_gap_count']) }}
),

periods as (
    select * from {{ ref('int_knowledge_periods') }}
),

first_days as (
    select
        periods.customer_id,
        periods.known_from,
        greatest(periods.known_from, customers.first_seen_date) as day
    from periods
    inner join {{ ref('int_customers') }} as customers
        on periods.customer_id = customers.customer_id
    where
        customers.first_seen_date is not null
        and {{ is_touched('customers.customer_id', by='int_touched_rhythms') }}
),

events as (
    select
        periods.customer_id,
        periods.known_from,
        activities.activity_date as day,
        activities.activity,
        activities.activity_at,
        activities.activity <> 'subscription_ended' as is_act
    from periods
    inner join activities on {{ known_in_period('activities', 'periods') }}
    union all
    select
        customer_id, known_from, day, 'period_opened' as activity, null as activity_at,
        false as is_act
    from first_days
),

days as (
    select
        customer_id,
        known_from,
        day,
        max(case when activity in ('order_paid', 'subscription_month') then day end) as paid_date,
        max(case when is_act then day end) as active_date,
        max(case when activity = 'login_success' then day end) as login_date,
        max(case when is_act then activity_at end) as active_at,
        max(case when activity = 'subscription_ended' then activity_at end)
            as subscription_ended_at,
        count(case when activity = 'subscription_month' then 1 end)
        - count(case when activity = 'subscription_ended' then 1 end) as subscription_change
    from events
    group by customer_id, known_from, day
),

seen_before as (
    select
        days.*,
        max(active_date) over before as previous_active_date,
        min(paid_date) over before as previous_first_paid_date
    from days
    window before as (
        partition by customer_id, known_from order by day
        rows between unbounded preceding and 1 preceding
    )
),

measured as (
    select
        seen_before.*,
        case
            when active_date is not null then {{ days_between('previous_active_date', 'day') }}
        end as gap_days,
        -- Back after a silence that loses customers; a first purchase is no return.
        case
            when
                active_date is not null
                and previous_first_paid_date is not null
                and {{ days_between('previous_active_date', 'day') }}
                    >= (select thresholds.lost_after_days from thresholds)
                then day
        end as return_date
    from seen_before
),

running as (
    select
        customer_id,
        known_from,
        day,
        min(paid_date) over so_far as first_paid_date,
        max(active_date) over so_far as last_active_date,
        max(active_at) over so_far as last_active_at,
        max(login_date) over so_far as last_login_date,
        max(return_date) over so_far as last_return_date,
        cast(sum(subscription_change) over so_far as bigint) as running_subscription_count,
        max(subscription_ended_at) over so_far as last_subscription_ended_at,
        count(gap_days) over so_far as gap_count,
        {{ running_median('gap_days', 'so_far') }} as own_typical_gap_days
    from measured
    window so_far as (
        partition by customer_id, known_from order by day
        rows between unbounded preceding and current row
    )
)

select
    running.customer_id,
    running.known_from,
    periods.known_until,
    running.day,
    coalesce(
        lead(running.day)
            over (partition by running.customer_id, running.known_from order by running.day),
        periods.known_until
    ) as next_day,
    running.first_paid_date,
    running.last_active_date,
    running.last_login_date,
    running.last_return_date,
    logins.fourth_last_login_date,
    running.running_subscription_count,
    running.gap_count,
    -- With too few gaps a customer's own rhythm is unknown: everybody's stands in for it.
    cast(case
        when running.gap_count >= thresholds.own_rhythm_gap_count then running.own_typical_gap_days
        else population.typical_gap_days
    end as double precision) as typical_gap_days,
    logins.usage_trend as usage_trend_at_login,
    running.last_active_at,
    running.last_subscription_ended_at
from running
inner join periods
    on running.customer_id = periods.customer_id and running.known_from = periods.known_from
cross join thresholds
left join {{ ref('int_population_rhythm') }} as population
    on running.last_active_date = population.day
left join {{ ref('int_customer_login_days') }} as logins
    on running.customer_id = logins.customer_id and running.last_login_date = logins.login_date
where running.day >= running.known_from
