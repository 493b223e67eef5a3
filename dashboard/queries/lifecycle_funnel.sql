-- One row per stage, all entry months together.
with stages as (
    select
        stage,
        stage_rank,
        sum(cohort_size) as cohort_size,
        sum(reached_or_beyond_count) as customer_count,
        sum(reached_count) as with_evidence_count,
        sum(skipped_count) as skipped_count
    from marts.stage_funnel
    group by stage, stage_rank
)

select
    stage,
    cohort_size,
    customer_count,
    with_evidence_count,
    skipped_count,
    case when cohort_size > 0 then customer_count * 1.0 / cohort_size end as reached_rate,
    case
        when lag(customer_count) over (order by stage_rank) > 0
            then customer_count * 1.0 / lag(customer_count) over (order by stage_rank)
    end as step_rate
from stages
order by stage_rank
