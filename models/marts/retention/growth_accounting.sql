with active as (
    select * from {{ ref('int_active_periods') }}
),

spine as (
    select
        'week' as period,
        week as period_start,
        is_complete
    from {{ ref('int_weeks') }}
    union all
    select
        'month' as period,
        month as period_start,
        is_complete
    from {{ ref('int_months') }}
),

-- A customer's first period is the first of all, never the first of a window looked at.
ordered as (
    select
        period,
        activity,
        period_start,
        lag(period_start) over (
            partition by period, activity, customer_id order by period_start
        ) as previous_active_start
    from active
),

counted as (
    select
        period,
        activity,
        period_start,
        count(*) as active_count,
        count(case when previous_active_start is null then 1 end) as new_count,
        count(case
            when
                period_start = cast(
                    case period
                        when 'week' then {{ dbt.dateadd('week', 1, 'previous_active_start') }}
                        else {{ dbt.dateadd('month', 1, 'previous_active_start') }}
                    end as date
                )
                then 1
        end) as retained_count
    from ordered
    group by period, activity, period_start
),

firsts as (
    select
        period,
        activity,
        min(period_start) as first_start
    from counted
    group by period, activity
),

-- Also the periods in which nobody came.
cells as (
    select
        firsts.period,
        spine.period_start,
        firsts.activity,
        coalesce(counted.active_count, 0) as active_count,
        coalesce(counted.new_count, 0) as new_count,
        coalesce(counted.retained_count, 0) as retained_count,
        spine.is_complete
    from firsts
    inner join spine
        on firsts.period = spine.period and firsts.first_start <= spine.period_start
    left join counted
        on firsts.period = counted.period
        and firsts.activity = counted.activity
        and spine.period_start = counted.period_start
),

-- Who has not come in a period that is not over may still come: nobody is churned in it.
movements as (
    select
        cells.*,
        active_count - new_count - retained_count as resurrected_count,
        case
            when is_complete
                then coalesce(
                    lag(active_count) over (partition by period, activity order by period_start), 0
                ) - retained_count
        end as churned_count
    from cells
)

select
    movements.period,
    movements.period_start,
    movements.activity,
    movements.active_count,
    movements.new_count,
    movements.retained_count,
    movements.resurrected_count,
    movements.churned_count,
    cast(movements.new_count + movements.resurrected_count as double precision)
    / cast(nullif(movements.churned_count, 0) as double precision) as quick_ratio,
    movements.is_complete,
    calendar.as_of_date
from movements
cross join {{ ref('stg_calendar') }} as calendar
