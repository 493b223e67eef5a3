-- One row per weekday and three hours of the day; the waits are null below 5 measured.
select
    weekday,
    hour - hour % 3 as from_hour,
    sum(ticket_count) as ticket_count,
    sum(wait_count) as wait_count,
    case
        when sum(wait_count) >= 5 then sum(mean_wait_seconds * wait_count) / sum(wait_count) / 60
    end as mean_wait_minutes,
    case
        when sum(wait_count) >= 5 then sum(long_wait_count) * 1.0 / sum(wait_count)
    end as long_wait_rate
from marts.support_hours
group by weekday, hour - hour % 3
order by weekday, hour - hour % 3
