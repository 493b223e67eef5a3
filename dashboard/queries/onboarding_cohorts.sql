-- One row per month of first payment.
select
    cohort_month,
    count(*) as customer_count,
    max(cohort_median_time_to_value_days) as median_days,
    max(cohort_p75_time_to_value_days) as p75_days,
    sum(case when has_reached_value then 1 else 0 end) as reached_count,
    sum(case when has_reached_value then 1 else 0 end) * 1.0 / count(*) as reached_rate,
    sum(case when is_complete then 1 else 0 end) * 1.0 / count(*) as complete_rate
from marts.onboarding_progress
group by cohort_month
order by cohort_month
