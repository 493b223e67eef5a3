with newcomers as (
    select * from {{ ref('int_newcomers') }}
),

checklist as (
    select * from {{ ref('onboarding_checklist') }}
),

value_steps as (
    select
        step_number,
        bool_or(is_value) as is_value
    from checklist
    group by step_number
),

evidence as (
    select
        newcomers.customer_id,
        newcomers.first_paid_date,
        checklist.step_number,
        checklist.activity as rule_activity,
        checklist.detail as rule_detail,
        checklist.min_distinct_days,
        activities.activity_date
    from {{ ref('int_customer_activities') }} as activities
    inner join newcomers
        on activities.customer_id = newcomers.customer_id
        and activities.activity_date >= newcomers.first_paid_date
    inner join checklist
        on activities.activity = checklist.activity
        and (checklist.detail is null or activities.detail = checklist.detail)
    where activities.voided_date is null
),

-- The first day needs no numbering, which costs most.
evidence_days as (
    select distinct * from evidence where min_distinct_days > 1
),

numbered as (
    select
        evidence_days.*,
        row_number() over (
            partition by customer_id, step_number, rule_activity, rule_detail, min_distinct_days
            order by activity_date
        ) as day_number
    from evidence_days
),

reached as (
    select customer_id, first_paid_date, step_number, activity_date
    from evidence
    where min_distinct_days = 1
    union all
    select customer_id, first_paid_date, step_number, activity_date
    from numbered
    where day_number = min_distinct_days
),

done as (
    select
        customer_id,
        first_paid_date,
        step_number,
        min(activity_date) as done_date
    from reached
    group by customer_id, first_paid_date, step_number
)

select
    done.customer_id,
    done.step_number,
    {{ days_between('done.first_paid_date', 'done.done_date') }} as done_day,
    value_steps.is_value,
    done.done_date
from done
inner join value_steps on done.step_number = value_steps.step_number
