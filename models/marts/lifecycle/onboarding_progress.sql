with newcomers as (
    select * from {{ ref('int_newcomers') }} where is_new
),

limits as (
    {{ thresholds(['onboarding_state_days']) }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

step_counts as (
    select
        customer_id,
        count(*) as step_count,
        count(case when is_done then 1 end) as done_count,
        count(case when is_overdue then 1 end) as overdue_count,
        count(case when is_stalled then 1 end) as stalled_count,
        min(case when not is_done then step_number end) as next_step_number,
        max(case when is_sequence_stalled then step end) as sequence_stalled_step
    from {{ ref('onboarding_steps') }}
    group by customer_id
),

next_steps as (
    select
        step_counts.customer_id,
        steps.step
    from step_counts
    inner join {{ ref('onboarding_steps') }} as steps
        on step_counts.customer_id = steps.customer_id
        and step_counts.next_step_number = steps.step_number
),

value_days as (
    select
        customer_id,
        min(done_day) as time_to_value_days
    from {{ ref('int_newcomer_steps') }}
    where is_value
    group by customer_id
),

judgement_days as (
    select
        newcomers.customer_id,
        cast(
            {{ dbt.dateadd(
                'day', 'limits.onboarding_state_days + 1', 'newcomers.first_paid_date'
            ) }} as date
        ) as day
    from newcomers
    cross join limits
),

states as (
    select
        judgement_days.customer_id,
        states.state
    from judgement_days
    cross join calendar
    inner join {{ ref('int_customer_states') }} as states
        on judgement_days.customer_id = states.customer_id
        and judgement_days.day >= states.since_date
        and (states.until_date is null or judgement_days.day < states.until_date)
    -- The state of today is no answer for a day that has not come.
    where judgement_days.day <= calendar.as_of_date
)

select
    newcomers.customer_id,
    newcomers.cohort_month,
    next_steps.step as next_step,
    step_counts.sequence_stalled_step,
    follow_ups.follow_up,
    next_habits.habit as next_habit,
    states.state as first_90_day_state,
    newcomers.age_days,
    coalesce(step_counts.step_count, 0) as step_count,
    coalesce(step_counts.done_count, 0) as done_count,
    coalesce(step_counts.overdue_count, 0) as overdue_count,
    coalesce(step_counts.stalled_count, 0) as stalled_count,
    value_days.time_to_value_days,
    {{ days_between('newcomers.first_paid_date', 'follow_ups.followed_up_date') }}
        as days_to_follow_up,
    cohorts.cohort_size,
    cohorts.median_time_to_value_days as cohort_median_time_to_value_days,
    cohorts.p75_time_to_value_days as cohort_p75_time_to_value_days,
    -- Null only when the checklist is empty.
    step_counts.done_count / cast(step_counts.step_count as double precision) as done_rate,
    coalesce(step_counts.done_count = step_counts.step_count, false) as is_complete,
    value_days.customer_id is not null as has_reached_value,
    follow_ups.customer_id is not null as is_followed_up,
    newcomers.first_paid_date,
    calendar.as_of_date,
    follow_ups.followed_up_at
from newcomers
cross join calendar
inner join {{ ref('int_onboarding_cohorts') }} as cohorts
    on newcomers.cohort_month = cohorts.cohort_month
left join step_counts on newcomers.customer_id = step_counts.customer_id
left join next_steps on newcomers.customer_id = next_steps.customer_id
left join value_days on newcomers.customer_id = value_days.customer_id
left join states on newcomers.customer_id = states.customer_id
left join {{ ref('int_next_habits') }} as next_habits
    on newcomers.customer_id = next_habits.customer_id
left join {{ ref('int_first_follow_ups') }} as follow_ups
    on newcomers.customer_id = follow_ups.customer_id
