-- Do more customers come than go? Complete periods only; the average is weighted: all who came over
-- all who went, never the mean of the ratios.
select
    period,
    activity,
    count(*) as period_count,
    sum(new_count) as new_count,
    sum(resurrected_count) as resurrected_count,
    sum(churned_count) as churned_count,
    cast(sum(new_count + resurrected_count) as double precision)
    / cast(nullif(sum(churned_count), 0) as double precision) as quick_ratio,
    min(quick_ratio) as lowest_quick_ratio,
    max(quick_ratio) as highest_quick_ratio
from {{ ref('growth_accounting') }}
where is_complete
group by period, activity
order by period, activity
