{#- How far customers got with each habit in its days, counted from the first payment. -#}
with payers as (
    select
        customer_id,
        first_paid_date
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
),

habits as (
    select * from {{ ref('int_habits') }}
),

longest as (
    select max(within_days) as within_days from habits
),

early_days as (
    select distinct
        activities.customer_id,
        activities.activity,
        activities.detail,
        {{ days_between('payers.first_paid_date', 'activities.activity_date') }} as day
    from {{ ref('int_customer_activities') }} as activities
    inner join payers
        on activities.customer_id = payers.customer_id
        and activities.activity_date >= payers.first_paid_date
    cross join longest
    where
        activities.voided_date is null
        and {{ days_between('payers.first_paid_date', 'activities.activity_date') }}
        < longest.within_days
)

select
    early_days.customer_id,
    habits.habit,
    habits.evidence,
    count(distinct early_days.day) as day_count,
    count(distinct early_days.day) >= habits.min_distinct_days as is_done
from early_days
inner join habits
    on
        early_days.activity = habits.activity
        and (habits.detail is null or early_days.detail = habits.detail)
        and early_days.day < habits.within_days
group by early_days.customer_id, habits.habit, habits.evidence, habits.min_distinct_days
