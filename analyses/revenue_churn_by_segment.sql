-- Which kinds of customers take their revenue away? All complete months together, weighted by the
-- revenue that each opened with; the largest loss first.
select
    stream,
    segment,
    segment_value,
    count(*) as month_count,
    sum(opening) as opening,
    sum(contraction) as contraction,
    sum(churned) as churned,
    cast(sum(contraction + churned) as double precision)
    / cast(sum(opening) as double precision) as revenue_churn_rate,
    cast(sum(opening - contraction - churned + expansion) as double precision)
    / cast(sum(opening) as double precision) as net_retention_rate,
    sum(churned_customer_count)
    / cast(sum(opening_customer_count) as double precision) as logo_churn_rate
from {{ ref('revenue_movements') }}
where is_complete and opening > 0
group by stream, segment, segment_value
order by stream asc, segment asc, sum(contraction + churned) desc, segment_value asc
