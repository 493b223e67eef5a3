-- At which step of the ladder do customers stop, and what does it take to get one further? The
-- funnel over all entry months, beside touches and cost for each advance.
with funnel as (
    select
        stage,
        stage_rank,
        sum(cohort_size) as customer_count,
        sum(reached_count) as reached_count,
        sum(reached_or_beyond_count) as reached_or_beyond_count,
        sum(skipped_count) as skipped_count
    from {{ ref('stage_funnel') }}
    group by stage, stage_rank
)

select
    funnel.stage,
    funnel.reached_count,
    funnel.skipped_count,
    funnel.reached_or_beyond_count
    / cast(funnel.customer_count as double precision) as reached_or_beyond_rate,
    lead(funnel.reached_or_beyond_count) over (order by funnel.stage_rank)
    / cast(nullif(funnel.reached_or_beyond_count, 0) as double precision) as next_stage_rate,
    investment.median_days_to_advance,
    investment.touches_per_advance,
    investment.cost_per_advance
from funnel
inner join {{ ref('stage_investment') }} as investment on funnel.stage_rank = investment.stage_rank
order by funnel.stage_rank
