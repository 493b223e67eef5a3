-- One row per stream and month that is over, of the last 24.
with months as (
    select
        *,
        row_number() over (partition by stream order by month desc) as recency_rank
    from marts.revenue_movements
    where
        segment = 'all'
        and is_complete
        and net_retention_rate is not null
)

select
    stream,
    month,
    net_retention_rate,
    gross_retention_rate,
    logo_churn_rate,
    opening_customer_count as customer_count
from months
where recency_rank <= 24
order by stream, month
