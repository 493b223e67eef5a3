with newcomers as (
    select * from {{ ref('int_newcomers') }} where is_new
),

limits as (
    {{ thresholds(['onboarding_peer_rate']) }}
),

checklist as (
    select
        step_number,
        min(step) as step,
        min(due_day) as due_day
    from {{ ref('onboarding_checklist') }}
    group by step_number
),

steps as (
    select
        newcomers.customer_id,
        checklist.step_number,
        checklist.step,
        checklist.due_day,
        newcomers.age_days,
        done.done_day,
        newcomers.first_paid_date,
        done.done_date
    from newcomers
    cross join checklist
    left join {{ ref('int_newcomer_steps') }} as done
        on newcomers.customer_id = done.customer_id and checklist.step_number = done.step_number
),

ages as (
    select
        age_days,
        count(*) as customer_count
    from newcomers
    group by age_days
),

reached_ages as (
    select
        age_days,
        sum(customer_count) over (
            order by age_days desc rows between unbounded preceding and current row
        ) as customer_count
    from ages
),

-- A customer has done a step at an age that they have reached from the day on which they did it to
-- their age today. Counting who enters and who leaves day by day spares comparing everyone with
-- everyone.
changes as (
    select step_number, done_day as day, 1 as change
    from steps
    where done_day is not null
    union all
    select step_number, age_days + 1 as day, -1 as change
    from steps
    where done_day is not null
    union all
    select step_number, age_days as day, 0 as change
    from steps
),

daily_changes as (
    select
        step_number,
        day,
        sum(change) as change
    from changes
    group by step_number, day
),

done_at_age as (
    select
        step_number,
        day,
        sum(change) over (
            partition by step_number order by day rows between unbounded preceding and current row
        ) as customer_count
    from daily_changes
),

-- Nobody is a peer of themselves.
compared as (
    select
        steps.*,
        cast(reached_ages.customer_count - 1 as bigint) as peer_count,
        cast(
            done_at_age.customer_count - case when steps.done_day is null then 0 else 1 end
            as bigint
        ) as peer_done_count,
        sum(case when steps.done_day is null then 1 else 0 end) over (
            partition by steps.customer_id order by steps.step_number
            rows between unbounded preceding and 1 preceding
        ) as earlier_open_count
    from steps
    inner join reached_ages on steps.age_days = reached_ages.age_days
    inner join done_at_age
        on steps.step_number = done_at_age.step_number and steps.age_days = done_at_age.day
),

judged as (
    select
        compared.*,
        peer_done_count
        / cast(nullif(peer_count, 0) as double precision) as peer_completion_rate,
        done_day is not null as is_done,
        coalesce(done_day > due_day, false) as is_late,
        done_day is null and age_days > due_day as is_overdue
    from compared
)

select
    judged.customer_id,
    judged.step_number,
    judged.step,
    judged.due_day,
    judged.age_days,
    judged.done_day,
    judged.peer_count,
    judged.peer_done_count,
    judged.peer_completion_rate,
    judged.is_done,
    judged.is_late,
    judged.is_overdue,
    not judged.is_done
    and coalesce(judged.peer_completion_rate >= limits.onboarding_peer_rate, false) as is_stalled,
    -- Null before the first step: it has no earlier ones that could be done.
    judged.is_overdue and coalesce(judged.earlier_open_count = 0, false) as is_sequence_stalled,
    judged.first_paid_date,
    cast(
        {{ dbt.dateadd('day', 'judged.due_day', 'judged.first_paid_date') }} as date
    ) as due_date,
    judged.done_date,
    calendar.as_of_date
from judged
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
