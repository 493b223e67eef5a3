-- One row per score and method: means over the cut-off dates, all customers together.
select
    score,
    method,
    count(*) as cutoff_count,
    min(cutoff_date) as first_cutoff_date,
    max(cutoff_date) as last_cutoff_date,
    max(customer_count) as customer_count,
    avg(auc) as auc,
    avg(brier) as brier,
    avg(rmse) as rmse,
    avg(spearman) as spearman,
    avg(hit_rate_3) as hit_rate_3
from marts.score_backtests
where decile is null
group by score, method
order by score, case when method = 'model' then 1 else 2 end, method
