-- One row per value score and tenth of the customers, all cut-off dates together.
select
    score,
    decile,
    count(*) as cutoff_count,
    sum(customer_count) as customer_count,
    sum(predicted_mean * customer_count) / sum(customer_count) as foretold_revenue,
    sum(observed_mean * customer_count) / sum(customer_count) as observed_revenue
from marts.score_backtests
where
    method = 'model'
    and decile is not null
    and score in ('predicted_value_90d', 'predicted_value_365d')
group by score, decile
having sum(customer_count) > 0
order by score, decile
