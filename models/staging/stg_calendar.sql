with core_days as (
    select event_date from {{ ref('base_orders') }} where row_status = 'accepted'
    union all
    select event_date from {{ ref('base_logins') }} where row_status = 'accepted'
    union all
    select event_date from {{ ref('base_surveys') }} where row_status = 'accepted'
),

days as (
    select
        event_date,
        count(*) as event_count
    from core_days
    where event_date is not null
    group by event_date
),

spaced as (
    select
        event_date,
        lag(event_date) over (order by event_date) as previous_date,
        sum(event_count)
            over (order by event_date desc rows unbounded preceding) as count_from_here,
        sum(event_count) over () as total_count
    from days
),

-- A minority of events behind a gap that no feed has: typing errors such as 2099.
future as (
    select min(event_date) as first_future_date
    from spaced
    where
        {{ days_between('previous_date', 'event_date') }} > {{ var('future_gap_days') }}
        and 2 * count_from_here < total_count
),

core as (
    select max(days.event_date) as last_core_date
    from days
    cross join future
    where future.first_future_date is null or days.event_date < future.first_future_date
),

-- Only where no order, login or survey exists at all does another input say what day it is.
other_days as (
    {% for input in [
        'customers', 'touches', 'events', 'tickets', 'referrals', 'advocacy_acts', 'subscriptions',
    ] %}
    select max(event_date) as event_date
    from {{ ref('base_' ~ input) }}
    where row_status = 'accepted'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

other as (
    select max(event_date) as last_other_date from other_days
)

select
    core.last_core_date,
    {{ dbt.dateadd('day', var('future_gap_days'), 'core.last_core_date') }} as last_plausible_date,
    cast(
        {% if var('as_of_date') -%}
        '{{ var("as_of_date") }}'
        {%- else -%}
        coalesce(core.last_core_date, other.last_other_date)
        {%- endif %} as date
    ) as as_of_date
from core
cross join other
