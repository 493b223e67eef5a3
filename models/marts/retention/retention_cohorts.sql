with activities as (
    select
        activities.customer_id,
        activities.activity,
        activities.amount,
        types.is_engagement,
        cast({{ dbt.date_trunc('month', 'activities.activity_date') }} as date) as month
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('activity_types') }} as types on activities.activity = types.activity
    where activities.voided_date is null
),

active_months as (
    select distinct 'order' as activity, customer_id, month
    from activities
    where activity = 'order_paid'
    union all
    select distinct 'login' as activity, customer_id, month
    from activities
    where activity = 'login_success'
    union all
    select distinct 'any' as activity, customer_id, month
    from activities
    where is_engagement
),

members as (
    select
        activity,
        customer_id,
        min(month) as cohort_month
    from active_months
    group by activity, customer_id
),

cohorts as (
    select
        activity,
        cohort_month,
        count(*) as cohort_size
    from members
    group by activity, cohort_month
),

-- Every age that a cohort has reached, also those in which nobody came back.
cells as (
    select
        cohorts.activity,
        cohorts.cohort_month,
        months.month,
        {{ dbt.datediff('cohorts.cohort_month', 'months.month', 'month') }} as age_months,
        cohorts.cohort_size,
        months.is_complete
    from cohorts
    inner join {{ ref('int_months') }} as months on cohorts.cohort_month <= months.month
),

retained as (
    select
        members.activity,
        members.cohort_month,
        active_months.month,
        count(*) as retained_count
    from members
    inner join active_months
        on members.activity = active_months.activity
        and members.customer_id = active_months.customer_id
    group by members.activity, members.cohort_month, active_months.month
),

revenue as (
    select
        members.activity,
        members.cohort_month,
        activities.month,
        sum(activities.amount) as net_revenue
    from members
    inner join activities on members.customer_id = activities.customer_id
    where activities.activity in ('order_paid', 'order_refunded')
    group by members.activity, members.cohort_month, activities.month
)

select
    cells.activity,
    cells.cohort_month,
    cells.age_months,
    cells.cohort_size,
    coalesce(retained.retained_count, 0) as retained_count,
    coalesce(retained.retained_count, 0)
    / cast(cells.cohort_size as double precision) as retention_rate,
    cast(coalesce(revenue.net_revenue, 0) as decimal(18, 2)) as net_revenue,
    cells.is_complete as is_mature,
    calendar.as_of_date
from cells
cross join {{ ref('stg_calendar') }} as calendar
left join retained
    on cells.activity = retained.activity
    and cells.cohort_month = retained.cohort_month
    and cells.month = retained.month
left join revenue
    on cells.activity = revenue.activity
    and cells.cohort_month = revenue.cohort_month
    and cells.month = revenue.month
