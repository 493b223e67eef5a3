{#- Probability that a lost customer has not come back by the end of a day, day 0 being the first
    lost one. -#}
with durations as (
    select
        duration_days,
        is_return as is_event
    from {{ ref('int_lost_intervals') }}
),

curve as (
    {{ kaplan_meier('durations') }}
)

select
    duration_days as day,
    at_risk_count,
    event_count,
    censored_count,
    survival_probability
from curve
