-- One row per step of the checklist and day after the first payment.
with days as (
    select 0 as day
    union all
    select 3 as day
    union all
    select 7 as day
    union all
    select 14 as day
    union all
    select 21 as day
    union all
    select 30 as day
    union all
    select 45 as day
    union all
    select 60 as day
    union all
    select 90 as day
),

steps as (
    select
        step,
        step_number,
        due_day,
        age_days,
        done_day,
        count(*) as customer_count
    from marts.onboarding_steps
    group by step, step_number, due_day, age_days, done_day
)

select
    steps.step,
    days.day,
    max(steps.due_day) as due_day,
    sum(steps.customer_count) as customer_count,
    sum(case when steps.done_day <= days.day then steps.customer_count else 0 end) as done_count,
    sum(case when steps.done_day <= days.day then steps.customer_count else 0 end) * 1.0
        / sum(steps.customer_count) as done_rate
from steps
inner join days on steps.age_days >= days.day
group by steps.step, steps.step_number, days.day
having sum(steps.customer_count) >= 30
order by steps.step_number, days.day
