{#- Chance that a customer who has been lost for some days comes back in the days of the win-back
    window after them: 1 - S(day + window) / S(day). -#}
with curve as (
    select * from {{ ref('int_return_curve') }}
),

limits as (
    {{ thresholds(['contact_window_days', 'minimum_sample_count']) }}
),

last_day as (
    select max(day) as last_day from curve
),

points as (
    select
        day,
        survival_probability
    from curve
    union all
    select
        curve.day + limits.contact_window_days as day,
        cast(null as double precision) as survival_probability
    from curve
    cross join limits
),

days as (
    select
        day,
        min(survival_probability) as survival_probability
    from points
    group by day
),

-- Survival never rises: on a day without a row it is the lowest of the days before.
filled as (
    select
        day,
        min(survival_probability)
            over (order by day rows unbounded preceding) as survival_probability
    from days
)

select
    curve.day,
    curve.at_risk_count - curve.event_count - curve.censored_count as sample_count,
    case
        when
            curve.at_risk_count - curve.event_count - curve.censored_count
            >= limits.minimum_sample_count
            and last_day.last_day >= curve.day + limits.contact_window_days
            then 1 - filled.survival_probability / curve.survival_probability
    end as return_rate
from curve
cross join limits
cross join last_day
inner join filled on curve.day + limits.contact_window_days = filled.day
