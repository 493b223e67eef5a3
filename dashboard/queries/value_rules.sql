-- One row per score of orders or value and method: mean rank correlation over the cut-off dates.
select
    score,
    method,
    avg(spearman) as mean_spearman,
    min(spearman) as lowest_spearman,
    max(spearman) as highest_spearman,
    avg(rmse) as mean_rmse,
    avg(top_decile_capture) as top_tenth_share,
    count(spearman) as cutoff_count,
    max(customer_count) as customer_count
from marts.score_backtests
where
    decile is null
    and spearman is not null
    and score in (
        'expected_orders_90d', 'expected_orders_365d', 'predicted_value_90d', 'predicted_value_365d'
    )
group by score, method
order by score, method
