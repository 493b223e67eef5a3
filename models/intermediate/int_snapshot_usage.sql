{#- Days with logins and with features in the 90 days up to each cut-off date. Steps of 30 days are
    counted once, and three of them make a window. -#}
{%- set step_days = cutoff_calendar().step_days -%}
with login_days as (
    select
        customer_id,
        login_date as day
    from {{ ref('int_customer_login_days') }}
),

feature_days as (
    select distinct
        customer_id,
        activity_date as day
    from {{ ref('int_customer_activities') }}
    where activity = 'feature_used'
),

used_days as (
    select customer_id, day, 1 as login_day, 0 as feature_day from login_days
    union all
    select customer_id, day, 0 as login_day, 1 as feature_day from feature_days
),

steps as (
    select
        used_days.customer_id,
        cast(floor(
            {{ days_between('used_days.day', 'calendar.as_of_date') }}
            / cast({{ step_days }} as double precision)
        ) as integer) as step_number,
        sum(used_days.login_day) as login_days,
        sum(used_days.feature_day) as feature_days
    from used_days
    cross join {{ ref('stg_calendar') }} as calendar
    group by
        used_days.customer_id,
        floor(
            {{ days_between('used_days.day', 'calendar.as_of_date') }}
            / cast({{ step_days }} as double precision)
        )
),

-- A step is the first, the second and the third of three windows.
windows as (
    {% for offset in range(90 // step_days) -%}
    select
        customer_id,
        step_number - {{ offset }} as cutoff_number,
        login_days,
        feature_days
    from steps
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    windows.customer_id,
    windows.cutoff_number,
    cast(sum(windows.login_days) as bigint) as login_days_90d,
    cast(sum(windows.feature_days) as bigint) as feature_days_90d
from windows
inner join {{ ref('int_snapshot_rhythm') }} as snapshots
    on
        windows.customer_id = snapshots.customer_id
        and windows.cutoff_number = snapshots.cutoff_number
group by windows.customer_id, windows.cutoff_number
