with tickets as (
    select * from {{ ref('stg_tickets') }}
),

-- What was replied or resolved after the as-of date is not known yet.
known as (
    select
        tickets.*,
        ids.customer_id as owner_id,
        case
            when {{ local_date('tickets.first_replied_at') }} <= calendar.as_of_date
                then tickets.first_replied_at
        end as known_reply_at,
        case
            when {{ local_date('tickets.resolved_at') }} <= calendar.as_of_date
                then tickets.resolved_at
        end as known_resolution_at
    from tickets
    inner join {{ ref('int_customer_ids') }} as ids
        on tickets.customer_id = ids.source_customer_id
    cross join {{ ref('stg_calendar') }} as calendar
    where not ids.is_test and {{ local_date('tickets.opened_at') }} <= calendar.as_of_date
),

-- Where no ticket at all has such a time, replies or resolutions are not kept in this data.
kept as (
    select
        count(known_reply_at) as reply_count,
        count(known_resolution_at) as resolution_count
    from known
),

timed as (
    select
        known.*,
        kept.reply_count,
        kept.resolution_count,
        {{ not_before('known_reply_at', 'opened_at') }} as reply_at,
        {{ not_before('known_resolution_at', 'opened_at') }} as resolution_at
    from known
    cross join kept
)

select
    ticket_id,
    owner_id as customer_id,
    kind,
    cast(wait_seconds as double precision) as wait_seconds,
    -- Landed as the day of the opening, without a time of day: how long it took is not known.
    case
        when known_reply_at >= opened_at
            then {{ hours_between('opened_at', 'known_reply_at') }}
    end as reply_hours,
    case
        when known_resolution_at >= opened_at
            then {{ hours_between('opened_at', 'known_resolution_at') }}
    end as resolution_hours,
    -- 1 to 5 on a scale from 0 to 100.
    case
        when resolved_at is null or known_resolution_at is not null
            then 25.0 * (cast(satisfaction_score as double precision) - 1)
    end as satisfaction_score,
    -- A time that cannot be leaves open whether and when.
    case
        when reply_at is not null or resolution_at is not null then true
        when has_impossible_time and (first_replied_at is null or resolved_at is null)
            then cast(null as boolean)
        when reply_count + resolution_count > 0 then false
    end as is_answered,
    case
        when resolution_at is not null then true
        when has_impossible_time and resolved_at is null then cast(null as boolean)
        when resolution_count > 0 then false
    end as is_resolved,
    has_time_of_day,
    {{ local_date('opened_at') }} as opened_date,
    {{ local_date('reply_at') }} as first_replied_date,
    {{ local_date('resolution_at') }} as resolved_date,
    opened_at,
    reply_at as first_replied_at,
    resolution_at as resolved_at
from timed
