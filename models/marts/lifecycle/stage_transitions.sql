with evidence as (
    select * from {{ ref('int_lived_evidence') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

-- Within a period of knowledge the stage never falls.
moments as (
    select
        customer_id,
        known_from,
        counted_at,
        max(max(stage_rank)) over (
            partition by customer_id, known_from
            order by counted_at
        ) as stage_rank
    from evidence
    group by customer_id, known_from, counted_at
),

-- Everybody starts in know.
steps as (
    select
        customer_id,
        known_from,
        counted_at,
        stage_rank,
        coalesce(
            lag(stage_rank) over (partition by customer_id order by counted_at, known_from), 1
        ) as previous_rank
    from moments
),

changes as (
    select
        steps.customer_id,
        steps.previous_rank as from_rank,
        steps.stage_rank as to_rank,
        -- Whatever lies between and was reached at all was reached at this very moment.
        count(evidence.stage_rank) as reached_between_count,
        steps.counted_at as changed_at
    from steps
    left join evidence
        on steps.customer_id = evidence.customer_id
        and steps.known_from = evidence.known_from
        and steps.counted_at = evidence.counted_at
        and steps.previous_rank < evidence.stage_rank
        and steps.stage_rank > evidence.stage_rank
    where steps.previous_rank <> steps.stage_rank
    group by steps.customer_id, steps.previous_rank, steps.stage_rank, steps.counted_at
),

numbered as (
    select
        changes.*,
        {{ local_date('changes.changed_at') }} as changed_date,
        lag({{ local_date('changes.changed_at') }}) over (
            partition by changes.customer_id
            order by changes.changed_at
        ) as entered_date,
        row_number() over (
            partition by changes.customer_id
            order by changes.changed_at
        ) as transition_number
    from changes
),

stages as (
    select distinct stage_rank, stage from {{ ref('stage_rules') }}
)

select
    numbered.customer_id,
    numbered.transition_number,
    from_stages.stage as from_stage,
    to_stages.stage as to_stage,
    numbered.from_rank,
    numbered.to_rank,
    {{ days_between(
        'coalesce(numbered.entered_date, customers.first_seen_date)', 'numbered.changed_date',
    ) }} as days_in_stage,
    case
        when numbered.to_rank > numbered.from_rank
            then numbered.to_rank - numbered.from_rank - 1 - numbered.reached_between_count
        else 0
    end as skipped_stage_count,
    numbered.to_rank < numbered.from_rank as is_setback,
    numbered.changed_date,
    calendar.as_of_date,
    numbered.changed_at
from numbered
cross join {{ ref('stg_calendar') }} as calendar
inner join customers on numbered.customer_id = customers.customer_id
inner join stages as from_stages on numbered.from_rank = from_stages.stage_rank
inner join stages as to_stages on numbered.to_rank = to_stages.stage_rank
