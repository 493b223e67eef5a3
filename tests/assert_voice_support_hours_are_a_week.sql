-- A week has 168 hours, and every ticket of the stream was opened in one of them.
with hours as (
    select
        count(*) as row_count,
        coalesce(sum(ticket_count), 0) as ticket_count
    from {{ ref('support_hours') }}
),

opened as (
    select count(*) as ticket_count
    from {{ ref('int_customer_activities') }}
    where activity = 'ticket_opened'
),

calendar as (
    select case when as_of_date is null then 0 else 168 end as row_count
    from {{ ref('stg_calendar') }}
)

select
    hours.row_count,
    hours.ticket_count,
    opened.ticket_count as opened_count
from hours
cross join opened
cross join calendar
where hours.row_count <> calendar.row_count or hours.ticket_count <> opened.ticket_count
union all
select
    weekday as row_count,
    hour as ticket_count,
    ticket_count as opened_count
from {{ ref('support_hours') }}
where
    untimed_ticket_count > ticket_count
    or wait_count > ticket_count
    or long_wait_count > wait_count
    or (wait_count = 0) <> (long_wait_rate is null)
