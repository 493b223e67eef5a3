{#- The days that only one of two builds counts, this one and the last whole one, or that the
    calendar of only one takes for possible. No row where there was no such build. -#}
with calendar as (
    -- Without a dated row left every day counts as changed.
    select
        coalesce(as_of_date, cast('1900-01-01' as date)) as as_of_date,
        coalesce(cast(last_plausible_date as date), cast('1900-01-01' as date))
            as last_plausible_date
    from {{ ref('stg_calendar') }}
),

builds as (
    select
        as_of_date,
        last_plausible_date
    from {{ source('ledger', 'builds') }}
),

limits as (
    select
        builds.as_of_date > calendar.as_of_date as is_going_back,
        cast(least(
            builds.as_of_date, builds.last_plausible_date,
            calendar.as_of_date, calendar.last_plausible_date
        ) as date) as counted_date,
        greatest(builds.as_of_date, calendar.as_of_date) as last_date
    from builds
    cross join calendar
)

select
    is_going_back,
    cast({{ dbt.dateadd('day', 1, 'counted_date') }} as date) as first_date,
    last_date,
    -- No zone begins its day more than 14 hours before that of UTC.
    cast({{ dbt.dateadd('hour', 10, 'counted_date') }} as timestamp) as first_at
from limits
