{#- The end of every stg_ model: accepted rows that do not lie in the future. -#}
{% macro accepted_rows(input) -%}
    accepted as (
        select judged.*
        from {{ ref('base_' ~ input) }} as judged
        cross join {{ ref('stg_calendar') }} as calendar
        where
            judged.row_status = 'accepted'
            and (
                judged.event_date <= cast(calendar.last_plausible_date as date)
                or judged.event_date is null
                or calendar.last_plausible_date is null
            )
    )
{%- endmacro %}


{#- Whole days from one date to another. -#}
{% macro days_between(first, last) -%}
    {{ dbt.datediff(first, last, 'day') }}
{%- endmacro %}
