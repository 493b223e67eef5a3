-- Cohorts hold each dated customer once, with the stages reached and skipped of customer_lifecycle;
-- along the ladder reached-or-beyond never grows, and reached grows only by customers who skipped
-- the stage before.
with funnel as (
    select
        entry_month,
        stage,
        stage_rank,
        cohort_size,
        reached_count,
        reached_or_beyond_count,
        skipped_count,
        is_above_previous_stage,
        lag(reached_count) over (partition by entry_month order by stage_rank) as earlier_reached,
        lag(reached_or_beyond_count) over (
            partition by entry_month order by stage_rank
        ) as earlier_reached_or_beyond,
        lag(skipped_count) over (partition by entry_month order by stage_rank) as earlier_skipped,
        count(*) over (partition by entry_month) as stage_count,
        min(cohort_size) over (partition by entry_month) as smallest_cohort_size,
        max(stage_rank) over (partition by entry_month) as last_rank
    from {{ ref('stage_funnel') }}
),

cohorts as (
    select
        entry_month,
        max(cohort_size) as cohort_size,
        sum(reached_or_beyond_count) as rank_sum,
        sum(skipped_count) as skipped_count
    from funnel
    group by entry_month
),

-- A customer at rank 5 is in or beyond five stages.
dated as (
    select
        cast({{ dbt.date_trunc('month', 'customers.first_seen_date') }} as date) as entry_month,
        count(*) as customer_count,
        sum(lifecycle.stage_rank) as rank_sum,
        sum(lifecycle.skipped_stage_count) as skipped_count
    from {{ ref('customers') }} as customers
    inner join {{ ref('customer_lifecycle') }} as lifecycle
        on customers.customer_id = lifecycle.customer_id
    where customers.first_seen_date is not null
    group by cast({{ dbt.date_trunc('month', 'customers.first_seen_date') }} as date)
)

select
    entry_month,
    stage,
    'shape' as problem
from funnel
where
    stage_count <> 7
    or cohort_size <> smallest_cohort_size
    or reached_or_beyond_count <> reached_count + skipped_count
    or (stage_rank = 1 and reached_count <> cohort_size)
    or (stage_rank = last_rank and skipped_count <> 0)
union all
select
    entry_month,
    stage,
    'along the ladder' as problem
from funnel
where
    reached_or_beyond_count > coalesce(earlier_reached_or_beyond, cohort_size)
    or reached_count - earlier_reached > earlier_skipped
    or is_above_previous_stage <> coalesce(reached_count > earlier_reached, false)
union all
select
    coalesce(cohorts.entry_month, dated.entry_month) as entry_month,
    cast(null as {{ dbt.type_string() }}) as stage,
    'customers of the cohort' as problem
from cohorts
full outer join dated on cohorts.entry_month = dated.entry_month
where
    coalesce(cohorts.cohort_size, 0) <> coalesce(dated.customer_count, 0)
    or cohorts.rank_sum <> dated.rank_sum
    or cohorts.skipped_count <> dated.skipped_count
