-- onboarding_progress is the sum of onboarding_steps, every new customer has every step once, a
-- stalled step is not done, and the step where a sequence stalled is overdue, all before it done.
with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['onboarding_peer_days']) }}
),

new_customers as (
    select totals.customer_id
    from {{ ref('int_customer_totals') }} as totals
    cross join calendar
    cross join limits
    where
        {{ days_between('totals.first_paid_date', 'calendar.as_of_date') }}
        <= limits.onboarding_peer_days
),

checklist as (
    select
        step_number,
        bool_or(is_value) as is_value
    from {{ ref('onboarding_checklist') }}
    group by step_number
),

steps as (
    select
        steps.*,
        checklist.is_value
    from {{ ref('onboarding_steps') }} as steps
    left join checklist on steps.step_number = checklist.step_number
),

sums as (
    select
        customer_id,
        count(*) as step_count,
        count(case when done_day is not null then 1 end) as done_count,
        count(case when is_overdue then 1 end) as overdue_count,
        count(case when is_stalled then 1 end) as stalled_count,
        count(case when is_sequence_stalled then 1 end) as sequence_stalled_count,
        max(case when is_sequence_stalled then step end) as sequence_stalled_step,
        min(case when is_value then done_day end) as time_to_value_days
    from steps
    group by customer_id
)

select
    new_customers.customer_id,
    'every step once' as problem
from new_customers
cross join checklist
left join steps
    on new_customers.customer_id = steps.customer_id and checklist.step_number = steps.step_number
group by new_customers.customer_id, checklist.step_number
having count(steps.customer_id) <> 1
union all
select
    steps.customer_id,
    'not a new customer, or not a step of the checklist' as problem
from steps
left join new_customers on steps.customer_id = new_customers.customer_id
where new_customers.customer_id is null or steps.is_value is null
union all
select
    coalesce(sums.customer_id, progress.customer_id) as customer_id,
    'progress differs from the steps' as problem
from sums
full outer join {{ ref('onboarding_progress') }} as progress
    on sums.customer_id = progress.customer_id
where
    -- Without a checklist there are no steps that could add up.
    (sums.customer_id is null and (progress.step_count > 0 or progress.is_complete))
    or progress.customer_id is null
    or sums.step_count <> progress.step_count
    or sums.done_count <> progress.done_count
    or sums.overdue_count <> progress.overdue_count
    or sums.stalled_count <> progress.stalled_count
    or sums.sequence_stalled_count > 1
    or sums.sequence_stalled_step is distinct from progress.sequence_stalled_step
    or sums.time_to_value_days is distinct from progress.time_to_value_days
    or (sums.done_count = sums.step_count) <> (progress.next_step is null)
    or (sums.done_count = sums.step_count) <> progress.is_complete
    or progress.has_reached_value <> (progress.time_to_value_days is not null)
    or progress.is_followed_up <> (progress.followed_up_at is not null)
union all
select
    steps.customer_id,
    'contradicts itself' as problem
from steps
where
    (steps.is_stalled and steps.is_done)
    or (steps.is_overdue and steps.is_done)
    or (steps.is_late and not steps.is_done)
    or (steps.is_sequence_stalled and not steps.is_overdue)
    or steps.peer_done_count > steps.peer_count
    or steps.done_day > steps.age_days
union all
select
    steps.customer_id,
    'stalled before an earlier step was done' as problem
from steps
inner join steps as earlier_steps
    on steps.customer_id = earlier_steps.customer_id
    and steps.step_number > earlier_steps.step_number
where steps.is_sequence_stalled and not earlier_steps.is_done
