-- A probability lies within 0-1 and its event happens or does not; amounts are not negative. Every
-- day that was foretold is over.
with predictions as (
    select
        predictions.*,
        {{ is_event_score('score') }} as is_event
    from {{ ref('int_backtest_predictions') }} as predictions
)

select
    predictions.customer_id,
    predictions.score,
    predictions.method,
    predictions.cutoff_date,
    predictions.predicted,
    predictions.observed
from predictions
cross join {{ ref('stg_calendar') }} as calendar
where
    predictions.predicted is null
    or predictions.observed is null
    or predictions.predicted < 0
    or predictions.observed < 0
    or (
        predictions.is_event
        and (predictions.predicted > 1 or predictions.observed not in (0, 1))
    )
    or {{ days_between('predictions.cutoff_date', 'calendar.as_of_date') }}
    < predictions.horizon_days
