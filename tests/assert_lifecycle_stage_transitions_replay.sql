-- Replaying the transitions up to a month's last known day gives the stage of that month, and each
-- transition begins, later in time, where the one before ended.
with months as (
    select
        customer_id,
        month,
        stage,
        case
            when cast({{ dbt.last_day('month', 'month') }} as date) > as_of_date then as_of_date
            else cast({{ dbt.last_day('month', 'month') }} as date)
        end as last_known_date
    from {{ ref('customer_months') }}
),

replayed as (
    select
        months.customer_id,
        months.month,
        transitions.to_stage,
        row_number() over (
            partition by months.customer_id, months.month
            order by transitions.transition_number desc
        ) as steps_back
    from months
    inner join {{ ref('stage_transitions') }} as transitions
        on months.customer_id = transitions.customer_id
        and months.last_known_date >= transitions.changed_date
),

chained as (
    select
        customer_id,
        transition_number,
        from_stage,
        to_stage,
        from_rank,
        to_rank,
        is_setback,
        changed_date,
        changed_at,
        lag(transition_number) over (
            partition by customer_id order by transition_number
        ) as previous_number,
        lag(to_stage) over (partition by customer_id order by transition_number) as previous_stage,
        lag(changed_at) over (partition by customer_id order by transition_number) as previous_at
    from {{ ref('stage_transitions') }}
)

select
    months.customer_id,
    months.month as month_or_day,
    months.stage as expected_stage,
    coalesce(replayed.to_stage, 'know') as found_stage
from months
left join replayed
    on months.customer_id = replayed.customer_id
    and months.month = replayed.month
    and replayed.steps_back = 1
where months.stage <> coalesce(replayed.to_stage, 'know')
union all
select
    customer_id,
    changed_date as month_or_day,
    coalesce(previous_stage, 'know') as expected_stage,
    from_stage as found_stage
from chained
where
    from_stage <> coalesce(previous_stage, 'know')
    or transition_number <> coalesce(previous_number, 0) + 1
    or changed_at <= previous_at
    or from_rank = to_rank
    or is_setback <> (to_rank < from_rank)
