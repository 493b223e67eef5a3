{#- Calendar periods that marts count in. -#}

{#- One row per week or month, without gaps, from that of the first sign of any customer to the
    as-of date's. Weeks begin on Monday (ISO 8601). The column of the first day is named as the
    period. -#}
{% macro period_spine(period) -%}
    with recursive bounds as (
        select
            {{ period_of('min(customers.first_seen_date)', period) }} as first_{{ period }},
            {{ period_of('max(calendar.as_of_date)', period) }} as last_{{ period }}
        from {{ ref('int_customers') }} as customers
        cross join {{ ref('stg_calendar') }} as calendar
    ),

    periods as (
        select first_{{ period }} as {{ period }}
        from bounds
        where first_{{ period }} is not null
        union all
        select cast({{ dbt.dateadd(period, 1, 'periods.' ~ period) }} as date) as {{ period }}
        from periods
        inner join bounds on periods.{{ period }} < bounds.last_{{ period }}
    ),

    ended as (
        select
            {{ period }},
            cast({{ dbt.last_day(period, period) }} as date) as last_date
        from periods
    )

    select
        ended.{{ period }},
        -- The last day that is known: the as-of date in the last period.
        case
            when ended.last_date > calendar.as_of_date then calendar.as_of_date
            else ended.last_date
        end as last_known_date,
        ended.last_date <= calendar.as_of_date as is_complete
    from ended
    cross join {{ ref('stg_calendar') }} as calendar
{%- endmacro %}


{#- First day of the week or month that holds a date. -#}
{% macro period_of(date, period) -%}
    cast({{ dbt.date_trunc(period, date) }} as date)
{%- endmacro %}


{#- Weekday of a date by ISO 8601: 1 is Monday, 7 is Sunday. The first of January 1900 was a
    Monday. -#}
{% macro weekday_of(date) -%}
    (mod({{ days_between("cast('1900-01-01' as date)", date) }}, 7) + 1)
{%- endmacro %}
