with customers as (
    select * from {{ ref('int_customers') }} where first_seen_date is not null
),

transitions as (
    select * from {{ ref('stage_transitions') }}
),

stages as (
    select distinct stage_rank, stage from {{ ref('stage_rules') }}
),

-- Intervals between changes; each holds the moment at which it ends, not that at which it begins.
stays as (
    select
        customers.customer_id,
        1 as stage_rank,
        cast(null as timestamp) as entered_at,
        transitions.changed_at as left_at
    from customers
    left join transitions
        on customers.customer_id = transitions.customer_id and transitions.transition_number = 1
    union all
    select
        customer_id,
        to_rank as stage_rank,
        changed_at as entered_at,
        lead(changed_at) over (partition by customer_id order by transition_number) as left_at
    from transitions
),

touches as (
    select
        stays.stage_rank,
        count(*) as touch_count,
        sum(activities.amount) as touch_cost
    from {{ ref('int_customer_activities') }} as activities
    inner join stays
        on activities.customer_id = stays.customer_id
        and (stays.entered_at is null or activities.activity_at > stays.entered_at)
        and (stays.left_at is null or activities.activity_at <= stays.left_at)
    where
        activities.activity in ('touch_inbound', 'touch_outbound')
        and activities.voided_date is null
    group by stays.stage_rank
),

advances as (
    select
        from_rank as stage_rank,
        count(*) as advance_count,
        percentile_cont(0.5) within group (order by cast(days_in_stage as double precision))
            as median_days_to_advance
    from transitions
    where not is_setback
    group by from_rank
),

members as (
    select
        stage_rank,
        count(distinct customer_id) as customer_count
    from stays
    group by stage_rank
),

rungs as (
    select
        stages.stage,
        stages.stage_rank,
        coalesce(members.customer_count, 0) as customer_count,
        coalesce(touches.touch_count, 0) as touch_count,
        coalesce(advances.advance_count, 0) as advance_count,
        coalesce(touches.touch_cost, 0) as touch_cost,
        advances.median_days_to_advance
    from stages
    left join members on stages.stage_rank = members.stage_rank
    left join touches on stages.stage_rank = touches.stage_rank
    left join advances on stages.stage_rank = advances.stage_rank
    where exists (select 1 from customers)
)

select
    rungs.stage,
    rungs.stage_rank,
    rungs.customer_count,
    rungs.touch_count,
    rungs.advance_count,
    cast(rungs.touch_cost as decimal(18, 2)) as touch_cost,
    rungs.median_days_to_advance,
    rungs.touch_count
    / cast(nullif(rungs.advance_count, 0) as double precision) as touches_per_advance,
    cast(
        cast(rungs.touch_cost as double precision)
        / cast(nullif(rungs.advance_count, 0) as double precision) as decimal(18, 2)
    ) as cost_per_advance,
    calendar.as_of_date
from rungs
cross join {{ ref('stg_calendar') }} as calendar
