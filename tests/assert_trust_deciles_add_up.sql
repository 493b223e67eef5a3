-- The tenths of a score hold every customer once, and their weighted means are the means of all.
-- Readiness has none.
with totals as (
    select * from {{ ref('score_backtests') }}
    where decile is null and score <> 'readiness_score'
),

tenths as (
    select
        score,
        method,
        cutoff_date,
        count(*) as decile_count,
        max(decile) as last_decile,
        sum(customer_count) as customer_count,
        max(customer_count) - min(customer_count) as size_difference,
        sum(customer_count * predicted_mean) as predicted_sum,
        sum(customer_count * observed_mean) as observed_sum
    from {{ ref('score_backtests') }}
    where decile is not null
    group by score, method, cutoff_date
)

select
    coalesce(totals.score, tenths.score) as score,
    coalesce(totals.method, tenths.method) as method,
    coalesce(totals.cutoff_date, tenths.cutoff_date) as cutoff_date,
    totals.customer_count,
    tenths.customer_count as customer_count_of_tenths
from totals
full outer join tenths
    on totals.score = tenths.score
    and totals.method = tenths.method
    and totals.cutoff_date = tenths.cutoff_date
where
    totals.score is null
    or tenths.score is null
    or totals.customer_count <> tenths.customer_count
    or tenths.decile_count <> least(10, totals.customer_count)
    or tenths.last_decile <> tenths.decile_count
    or tenths.size_difference > 1
    or abs(tenths.predicted_sum / totals.customer_count - totals.predicted_mean)
    > 1e-9 * (1 + totals.predicted_mean)
    or abs(tenths.observed_sum / totals.customer_count - totals.observed_mean)
    > 1e-9 * (1 + totals.observed_mean)
