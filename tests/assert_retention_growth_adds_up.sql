-- active = new + retained + resurrected; churned = active of the period before - retained; whoever
-- was ever active was new once; no period is missing; months agree with the cohorts.
with growth as (
    select
        growth.*,
        lag(active_count) over (partition by period, activity order by period_start)
            as previous_active_count,
        lag(period_start) over (partition by period, activity order by period_start)
            as previous_period_start,
        lead(period_start) over (partition by period, activity order by period_start)
            as next_period_start
    from {{ ref('growth_accounting') }} as growth
),

ever_active as (
    select
        'order' as activity,
        count(*) as customer_count
    from {{ ref('customers') }}
    where order_count > 0
    union all
    select
        'login' as activity,
        count(*) as customer_count
    from {{ ref('customers') }}
    where successful_login_count > 0
    union all
    select
        'any' as activity,
        count(distinct activities.customer_id) as customer_count
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('activity_types') }} as types on activities.activity = types.activity
    where types.is_engagement and activities.voided_date is null
),

newcomers as (
    select
        period,
        activity,
        sum(new_count) as customer_count
    from growth
    group by period, activity
),

expected as (
    {% for period in ['week', 'month'] -%}
    select
        '{{ period }}' as period,
        activity,
        customer_count
    from ever_active
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    period,
    activity,
    period_start,
    'counts' as problem
from growth
where
    active_count <> new_count + retained_count + resurrected_count
    or new_count < 0
    or retained_count < 0
    or resurrected_count < 0
    or is_complete <> (churned_count is not null)
    or churned_count <> coalesce(previous_active_count, 0) - retained_count
    or (quick_ratio is not null) <> (churned_count is not null and churned_count > 0)
    or abs(quick_ratio * churned_count - new_count - resurrected_count) > 1e-6
union all
select
    period,
    activity,
    period_start,
    'missing period' as problem
from growth
where
    (previous_period_start is null and new_count <> active_count)
    or (previous_period_start is null and active_count = 0)
    or (
        period = 'week'
        and (
            {{ days_between('previous_period_start', 'period_start') }} <> 7
            or (
                next_period_start is null
                and {{ days_between('period_start', 'as_of_date') }} not between 0 and 6
            )
        )
    )
    or (
        period = 'month'
        and (
            {{ dbt.datediff('previous_period_start', 'period_start', 'month') }} <> 1
            or (
                next_period_start is null
                and {{ dbt.datediff('period_start', 'as_of_date', 'month') }} <> 0
            )
        )
    )
union all
select
    expected.period,
    expected.activity,
    cast(null as date) as period_start,
    'customers ever active' as problem
from expected
left join newcomers
    on expected.period = newcomers.period and expected.activity = newcomers.activity
where expected.customer_count <> coalesce(newcomers.customer_count, 0)
union all
select
    'month' as period,
    cohorts.activity,
    cohorts.cohort_month as period_start,
    'size of the cohort' as problem
from {{ ref('retention_cohorts') }} as cohorts
left join growth
    on growth.period = 'month'
    and cohorts.activity = growth.activity
    and cohorts.cohort_month = growth.period_start
where
    cohorts.age_months = 0
    and (growth.new_count is null or cohorts.cohort_size <> growth.new_count)
