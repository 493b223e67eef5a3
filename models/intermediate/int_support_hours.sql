with tickets as (
    select * from {{ ref('int_tickets') }}
),

hold as (
    select 60 * max(cast(high as double precision)) as hold_seconds
    from {{ ref('benchmarks') }}
    where claim = 'hold_time_minutes'
),

opened as (
    select
        {{ weekday_of('opened_date') }} as weekday,
        {{ local_hour('opened_at') }} as hour,
        wait_seconds,
        reply_hours,
        has_time_of_day
    from tickets
)

select
    opened.weekday,
    opened.hour,
    count(*) as ticket_count,
    count(case when not opened.has_time_of_day then 1 end) as untimed_ticket_count,
    count(opened.wait_seconds) as wait_count,
    avg(opened.wait_seconds) as mean_wait_seconds,
    {{ median_of('opened.wait_seconds') }} as median_wait_seconds,
    -- Where no wait is on record, nobody knows whether one was long.
    case
        when count(opened.wait_seconds) > 0
            then count(case when opened.wait_seconds > hold.hold_seconds then 1 end)
    end as long_wait_count,
    avg(opened.reply_hours) as mean_reply_hours
from opened
cross join hold
group by opened.weekday, opened.hour
