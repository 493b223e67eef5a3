-- One row per stream: how the revenue of its last whole month came about.
with ranked as (
    select
        *,
        row_number() over (partition by stream order by month desc) as recency_rank
    from marts.revenue_movements
    where
        segment = 'all'
        and is_complete
        and opening > 0
)

select
    stream,
    month,
    opening,
    new,
    reactivated,
    expansion,
    contraction,
    churned,
    closing,
    opening_customer_count,
    closing_customer_count
from ranked
where recency_rank = 1
order by stream
