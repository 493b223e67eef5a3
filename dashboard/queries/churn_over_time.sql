-- One row per method and cut-off date of the churn score of customers without a contract.
select
    cutoff_date,
    method,
    auc,
    brier,
    customer_count,
    observed_mean as churned_rate
from marts.score_backtests
where
    decile is null
    and score = 'churn_probability_90d'
    and auc is not null
order by cutoff_date, method
