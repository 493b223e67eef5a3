with customers as (
    select
        customer_id,
        first_seen_date,
        cast({{ dbt.date_trunc('month', 'first_seen_date') }} as date) as entry_month
    from {{ ref('int_customers') }}
    where first_seen_date is not null
),

-- As known today: an order refunded in full shows no stage.
evidence as (
    select
        customers.entry_month,
        customers.customer_id,
        evidence.stage_rank,
        {{ days_between('customers.first_seen_date', 'evidence.reached_date') }} as days_to_reach
    from {{ ref('int_stage_evidence') }} as evidence
    inner join customers on evidence.customer_id = customers.customer_id
    where evidence.known_until = cast('9999-12-31' as date)
),

cohorts as (
    select
        entry_month,
        count(*) as cohort_size
    from customers
    group by entry_month
),

reached as (
    select
        entry_month,
        stage_rank,
        count(*) as reached_count,
        percentile_cont(0.5) within group (order by cast(days_to_reach as double precision))
            as median_days
    from evidence
    group by entry_month, stage_rank
),

furthest as (
    select
        customer_id,
        entry_month,
        max(stage_rank) as furthest_rank
    from evidence
    group by customer_id, entry_month
),

stages as (
    select distinct stage_rank, stage from {{ ref('stage_rules') }}
),

beyond as (
    select
        furthest.entry_month,
        stages.stage_rank,
        count(*) as reached_or_beyond_count
    from furthest
    inner join stages on furthest.furthest_rank >= stages.stage_rank
    group by furthest.entry_month, stages.stage_rank
),

cells as (
    select
        cohorts.entry_month,
        stages.stage,
        stages.stage_rank,
        cohorts.cohort_size,
        coalesce(reached.reached_count, 0) as reached_count,
        coalesce(beyond.reached_or_beyond_count, 0) as reached_or_beyond_count,
        reached.median_days
    from cohorts
    cross join stages
    left join reached
        on cohorts.entry_month = reached.entry_month and stages.stage_rank = reached.stage_rank
    left join beyond
        on cohorts.entry_month = beyond.entry_month and stages.stage_rank = beyond.stage_rank
),

compared as (
    select
        cells.*,
        cast({{ dbt.last_day('cells.entry_month', 'month') }} as date) as entry_month_end,
        lag(reached_count) over (partition by entry_month order by stage_rank)
            as previous_reached_count,
        lag(reached_or_beyond_count) over (partition by entry_month order by stage_rank)
            as previous_reached_or_beyond_count
    from cells
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
)

select
    compared.entry_month,
    compared.stage,
    compared.stage_rank,
    compared.cohort_size,
    compared.reached_count,
    compared.reached_or_beyond_count,
    compared.reached_or_beyond_count - compared.reached_count as skipped_count,
    compared.reached_count / cast(compared.cohort_size as double precision) as reached_rate,
    compared.reached_or_beyond_count
    / cast(compared.cohort_size as double precision) as reached_or_beyond_rate,
    -- Nobody comes before know.
    case
        when compared.previous_reached_or_beyond_count is null then cast(1 as double precision)
        else
            compared.reached_or_beyond_count
            / cast(nullif(compared.previous_reached_or_beyond_count, 0) as double precision)
    end as conversion_rate,
    compared.median_days,
    case
        when compared.entry_month_end >= calendar.as_of_date then 0
        else {{ days_between('compared.entry_month_end', 'calendar.as_of_date') }}
    end as observed_days,
    coalesce(compared.reached_count > compared.previous_reached_count, false)
        as is_above_previous_stage,
    calendar.as_of_date
from compared
cross join calendar
