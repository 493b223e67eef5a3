with active_months as (
    {% for kind in ['order', 'login', 'any'] -%}
    select
        '{{ kind }}' as activity,
        customer_id,
        period_start as month
    from {{ ref('int_active_periods') }}
    where period = 'month' and is_{{ kind }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

payments as (
    select
        customer_id,
        amount,
        {{ period_of('activity_date', 'month') }} as month
    from {{ ref('int_customer_activities') }}
    where voided_date is null and activity in ('order_paid', 'order_refunded')
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
        payments.month,
        sum(payments.amount) as net_revenue
    from members
    inner join payments on members.customer_id = payments.customer_id
    group by members.activity, members.cohort_month, payments.month
),

measured as (
    select
        cells.activity,
        cells.cohort_month,
        cells.age_months,
        cells.cohort_size,
        coalesce(retained.retained_count, 0) as retained_count,
        coalesce(revenue.net_revenue, 0) as net_revenue,
        max(case when cells.age_months = 0 then coalesce(revenue.net_revenue, 0) end)
            over (partition by cells.activity, cells.cohort_month) as first_net_revenue,
        cells.is_complete
    from cells
    left join retained
        on cells.activity = retained.activity
        and cells.cohort_month = retained.cohort_month
        and cells.month = retained.month
    left join revenue
        on cells.activity = revenue.activity
        and cells.cohort_month = revenue.cohort_month
        and cells.month = revenue.month
)

select
    measured.activity,
    measured.cohort_month,
    measured.age_months,
    measured.cohort_size,
    measured.retained_count,
    measured.retained_count
    / cast(measured.cohort_size as double precision) as retention_rate,
    case
        when measured.first_net_revenue > 0
            then cast(measured.net_revenue as double precision)
                / cast(measured.first_net_revenue as double precision)
    end as revenue_retention_ratio,
    cast(measured.net_revenue as decimal(18, 2)) as net_revenue,
    measured.is_complete as is_mature,
    calendar.as_of_date
from measured
cross join {{ ref('stg_calendar') }} as calendar
