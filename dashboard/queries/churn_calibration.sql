-- One row per churn score and tenth of the customers, all cut-off dates together.
select
    score,
    decile,
    count(*) as cutoff_count,
    sum(customer_count) as customer_count,
    sum(predicted_mean * customer_count) / sum(customer_count) as foretold_rate,
    sum(observed_mean * customer_count) / sum(customer_count) as observed_rate
from marts.score_backtests
where
    method = 'model'
    and decile is not null
    and score in ('churn_probability_90d', 'contract_churn_probability_90d')
group by score, decile
having sum(customer_count) > 0
order by score, decile
