with spells as (
    select * from {{ ref('int_paid_spells') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

profiles as (
    select
        'all' as everyone,
        coalesce(customers.archetype, 'unknown') as archetype,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.entry_source, 'unknown') as entry_source,
        spells.first_payment,
        spells.duration_days,
        spells.is_event
    from spells
    inner join customers on spells.customer_id = customers.customer_id
),

durations as (
    {% for segment, value in {
        'all': 'everyone', 'archetype': 'archetype', 'country': 'country',
        'entry_source': 'entry_source', 'first_payment': 'first_payment',
    }.items() %}
    select
        '{{ segment }}' as segment,
        {{ value }} as segment_value,
        duration_days,
        is_event
    from profiles
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

curves as (
    {{ kaplan_meier('durations', ['segment', 'segment_value']) }}
)

select
    curves.segment,
    curves.segment_value,
    cast(curves.duration_days as bigint) as day,
    curves.at_risk_count,
    curves.event_count,
    curves.censored_count,
    curves.survival_probability,
    {{ survival_low() }} as survival_low,
    {{ survival_high() }} as survival_high,
    calendar.as_of_date
from curves
cross join {{ ref('stg_calendar') }} as calendar
