-- One row per segment value and week since the first payment, while 30 or more are watched.
with weeks as (
    select
        *,
        row_number() over (
            partition by segment, segment_value, floor((day + 6) / 7)
            order by day desc
        ) as back_rank
    from marts.survival_curves
    where
        segment in ('first_payment', 'entry_source')
        and segment_value <> 'unknown'
        and at_risk_count >= 30
)

select
    concat(segment, ': ', segment_value) as segment,
    day,
    at_risk_count,
    survival_probability as kept_probability,
    survival_low as kept_low,
    survival_high as kept_high
from weeks
where back_rank = 1
order by segment, segment_value, day
