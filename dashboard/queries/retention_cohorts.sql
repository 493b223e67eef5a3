-- One row per cohort month of the last 18 and age in months that is over, of paid orders.
with cohorts as (
    select
        *,
        dense_rank() over (order by cohort_month desc) as recency_rank
    from marts.retention_cohorts
    where activity = 'order'
)

select
    cohort_month,
    age_months,
    cohort_size,
    retained_count,
    retention_rate,
    revenue_retention_ratio
from cohorts
where
    recency_rank <= 18
    and age_months between 1 and 18
    and is_mature
order by cohort_month, age_months
