-- Each figure stands where it has a meaning and within its bounds: errors and ranks of events and
-- of amounts on the row of all customers, none on that of a tenth. Readiness has ranks only.
with backtests as (
    select
        backtests.*,
        {{ is_event_score('score') }} as is_event,
        score = 'readiness_score' as is_rank
    from {{ ref('score_backtests') }} as backtests
)

select
    score,
    method,
    cutoff_date,
    decile
from backtests
where
    (brier is not null) <> (decile is null and is_event)
    or (rmse is not null) <> (decile is null and not is_event and not is_rank)
    or (predicted_mean is null) <> is_rank
    or (mae is not null) <> (rmse is not null)
    or mae > rmse * (1 + 1e-9)
    or (auc is not null and not (decile is null and (is_event or is_rank)))
    or (spearman is not null and (decile is not null or is_event or is_rank))
    or abs(spearman) > 1 + 1e-9
    or total_error_rate < -1
    or (lift is not null and decile is null and not (is_rank and method = 'model'))
    or (is_rank and (decile is not null or observed_mean > 1 or is_more_accurate is not null))
    or (is_more_accurate is not null and (method <> 'model' or decile is not null))
    or (is_better_ranked is not null and (method <> 'model' or decile is not null))
    or (is_better_ranked is not null and is_more_accurate is null and not is_rank)
    or (hit_rate_1 is not null) <> (new_buyer_count is not null)
    or (hit_rate_3 is not null) <> (new_buyer_count is not null)
    or (new_buyer_count is not null and (decile is not null or score not like 'next_product%'))
    or hit_rate_1 > hit_rate_3
    or new_buyer_count not between 1 and customer_count
    or (is_event and (predicted_mean > 1 or observed_mean > 1))
