-- One row per score and method: mean AUC over the cut-off dates; 0.5 is chance.
select
    score,
    method,
    avg(auc) as mean_auc,
    min(auc) as lowest_auc,
    max(auc) as highest_auc,
    count(auc) as cutoff_count,
    max(customer_count) as customer_count
from marts.score_backtests
where
    decile is null
    and auc is not null
group by score, method
order by score, method
