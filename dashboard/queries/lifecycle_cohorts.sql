-- One row per entry month and stage, of the last 18 entry months.
with months as (
    select
        *,
        dense_rank() over (order by entry_month desc) as recency_rank
    from marts.stage_funnel
)

select
    entry_month,
    stage,
    cohort_size,
    reached_or_beyond_count as customer_count,
    reached_or_beyond_rate as reached_rate,
    observed_days
from months
where
    recency_rank <= 18
    and stage <> 'know'
order by entry_month, stage_rank
