-- One row per early warning; a customer may have several.
select
    warning,
    count(*) as customer_count,
    sum(revenue_at_risk) as revenue_at_risk,
    max(since_date) as latest_since_date
from marts.early_warnings
group by warning
order by count(*) desc, warning
