with ids as (
    select * from {{ ref('int_customer_ids') }} where not is_test
),

customers as (
    {{ known_accounts() }}
),

-- The surviving id's own attributes; those of the ids folded into it where it has none.
folded as (
    select
        ids.customer_id,
        count(*) as source_id_count,
        min(ids.first_named_at) as first_named_at,
        {% for column in [
            'archetype', 'country', 'entry_source', 'entry_campaign', 'preferred_channel',
            'reseller_id',
        ] -%}
        coalesce(
            max(case when ids.source_customer_id = ids.customer_id then customers.{{ column }} end),
            min(customers.{{ column }})
        ) as {{ column }},
        {% endfor -%}
        -- A refusal by any of the ids is a refusal.
        min(case when customers.has_consent then 1 when not customers.has_consent then 0 end) = 1
            as has_consent
    from ids
    left join customers on ids.source_customer_id = customers.customer_id
    group by ids.customer_id
),

sightings as (
    select
        customer_id,
        min(activity_at) as first_seen_at,
        min(activity_date) as first_seen_date
    from {{ ref('int_customer_activities') }}
    group by customer_id
)

select
    folded.customer_id,
    folded.archetype,
    folded.country,
    folded.entry_source,
    folded.entry_campaign,
    folded.preferred_channel,
    folded.reseller_id,
    folded.source_id_count,
    folded.has_consent,
    sightings.first_seen_date,
    sightings.first_seen_at
from folded
left join sightings on folded.customer_id = sightings.customer_id
cross join {{ ref('stg_calendar') }} as calendar
-- Who is only named after the as-of date does not exist yet; who is named without a date does.
where
    calendar.as_of_date is not null
    and (
        sightings.customer_id is not null
        or folded.first_named_at is null
        or {{ local_date('folded.first_named_at') }} <= calendar.as_of_date
    )
