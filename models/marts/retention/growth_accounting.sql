{%- set kinds = ['order', 'login', 'any'] -%}
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

next_starts as (
    select
        period,
        customer_id,
        {% for kind in kinds -%}
        is_{{ kind }},
        {% endfor -%}
        cast(
            case period
                when 'week' then {{ dbt.dateadd('week', 1, 'period_start') }}
                else {{ dbt.dateadd('month', 1, 'period_start') }}
            end as date
        ) as next_start
    from active
),

-- A customer's first period is the first of all, never the first of a window looked at.
customers as (
    select
        period,
        customer_id,
        {% for kind in kinds -%}
        min(case when is_{{ kind }} then period_start end) as first_{{ kind }}_start
        {{- ',' if not loop.last }}
        {% endfor %}
    from active
    group by period, customer_id
),

-- All kinds at once: rows of customers are many, those of periods few.
periods as (
    select
        active.period,
        active.period_start,
        {% for kind in kinds -%}
        count(case when active.is_{{ kind }} then 1 end) as active_{{ kind }}_count,
        count(case when active.period_start = customers.first_{{ kind }}_start then 1 end)
            as new_{{ kind }}_count,
        count(case when active.is_{{ kind }} and previous.is_{{ kind }} then 1 end)
            as retained_{{ kind }}_count{{ ',' if not loop.last }}
        {% endfor %}
    from active
    inner join customers
        on active.period = customers.period and active.customer_id = customers.customer_id
    left join next_starts as previous
        on active.period = previous.period
        and active.customer_id = previous.customer_id
        and active.period_start = previous.next_start
    group by active.period, active.period_start
),

counted as (
    {% for kind in kinds -%}
    select
        period,
        '{{ kind }}' as activity,
        period_start,
        active_{{ kind }}_count as active_count,
        new_{{ kind }}_count as new_count,
        retained_{{ kind }}_count as retained_count
    from periods
    where active_{{ kind }}_count > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
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
