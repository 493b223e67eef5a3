-- One row per week since the first payment: the last day of it, while 10 or more are watched.
with weeks as (
    select
        *,
        sum(event_count) over (partition by floor((day + 6) / 7)) as week_lost_count,
        row_number() over (partition by floor((day + 6) / 7) order by day desc) as back_rank
    from marts.survival_curves
    where
        segment = 'all'
        and at_risk_count >= 10
)

select
    day,
    at_risk_count,
    week_lost_count as lost_count,
    survival_probability as kept_probability,
    survival_low as kept_low,
    survival_high as kept_high
from weeks
where back_rank = 1
order by day
