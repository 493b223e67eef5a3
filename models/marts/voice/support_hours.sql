with counted as (
    select * from {{ ref('int_support_hours') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }} where as_of_date is not null
),

weekdays as (
    {% for weekday in range(1, 8) -%}
    select cast({{ weekday }} as bigint) as weekday
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

hours as (
    {% for hour in range(24) -%}
    select cast({{ hour }} as bigint) as hour
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    weekdays.weekday,
    hours.hour,
    coalesce(counted.ticket_count, 0) as ticket_count,
    coalesce(counted.untimed_ticket_count, 0) as untimed_ticket_count,
    coalesce(counted.wait_count, 0) as wait_count,
    counted.mean_wait_seconds,
    counted.median_wait_seconds,
    counted.long_wait_count,
    {{ proportion('counted.long_wait_count', 'counted.wait_count') }} as long_wait_rate,
    counted.mean_reply_hours,
    calendar.as_of_date
from weekdays
cross join hours
cross join calendar
left join counted on weekdays.weekday = counted.weekday and hours.hour = counted.hour
