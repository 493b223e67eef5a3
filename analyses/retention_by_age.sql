-- Which share of customers orders again, by months since the first order? Mature cells only,
-- weighted by size.
select
    age_months,
    sum(cohort_size) as customer_count,
    sum(retained_count) as retained_count,
    sum(retained_count) / cast(sum(cohort_size) as double precision) as retention_rate,
    sum(net_revenue) as net_revenue
from {{ ref('retention_cohorts') }}
where activity = 'order' and is_mature
group by age_months
order by age_months
