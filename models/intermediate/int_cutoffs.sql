{%- set calendar = cutoff_calendar() -%}
with numbers as (
    {% for number in range(calendar.last_number + 1) -%}
    select {{ number }} as cutoff_number
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

history as (
    select min(first_seen_date) as first_date from {{ ref('int_customers') }}
),

dated as (
    select
        numbers.cutoff_number,
        cast({{ dbt.dateadd(
            'day', '-' ~ calendar.step_days ~ ' * numbers.cutoff_number', 'calendar.as_of_date'
        ) }} as date) as cutoff_date
    from numbers
    cross join {{ ref('stg_calendar') }} as calendar
    where calendar.as_of_date is not null
)

select
    dated.cutoff_number,
    dated.cutoff_number = 0 as is_as_of,
    dated.cutoff_date
from dated
cross join history
where dated.cutoff_number = 0 or dated.cutoff_date >= history.first_date
