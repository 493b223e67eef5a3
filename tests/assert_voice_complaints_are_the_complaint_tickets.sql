-- The complaints are the complaint tickets of the stream, each once; a recovered one was resolved
-- before; and what nobody knows of it is not counted as no.
with opened as (
    select
        source_id as ticket_id,
        customer_id
    from {{ ref('int_customer_activities') }}
    where activity = 'ticket_opened' and detail = 'complaint'
),

complaints as (
    select * from {{ ref('complaints') }}
)

select
    coalesce(complaints.ticket_id, opened.ticket_id) as ticket_id,
    'not the same in the stream' as problem
from complaints
full outer join opened
    on complaints.ticket_id = opened.ticket_id
    and complaints.customer_id = opened.customer_id
where complaints.ticket_id is null or opened.ticket_id is null
union all
select
    ticket_id,
    'times and answers do not agree' as problem
from complaints
where
    first_replied_at < opened_at
    or resolved_at < opened_at
    or recovered_at <= resolved_at
    or (coalesce(is_recovered, false) and not coalesce(is_resolved, false))
    or coalesce(is_recovered, false) <> (recovered_at is not null)
    or coalesce(is_resolved, false) <> (resolved_at is not null)
    or (is_resolved and not coalesce(is_answered, false))
    or (is_resolved is null) <> (days_open is null)
    or (wait_seconds is null) <> (is_long_wait is null)
