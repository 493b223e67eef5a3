-- One row per activity and age in months: all cohorts old enough, weighted by their size.
select
    activity,
    age_months,
    count(*) as cohort_count,
    sum(cohort_size) as customer_count,
    sum(retained_count) as retained_count,
    sum(retained_count) * 1.0 / sum(cohort_size) as retention_rate
from marts.retention_cohorts
where
    is_mature
    and age_months <= 24
group by activity, age_months
having sum(cohort_size) >= 30
order by activity, age_months
