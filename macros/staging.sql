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


{#- Hours from one moment to another, to the second. -#}
{% macro hours_between(first, last) -%}
    cast({{ dbt.datediff(first, last, 'second') }} as double precision) / 3600
{%- endmacro %}


{#- One branch of the union int_customer_activities: rows of one input as activities. -#}
{% macro activity_rows(
    input, id, activity, at, customer='customer_id', detail='null', quantity='1', amount='null',
    voided_at='null', where='true', from=none
) -%}
    select
        '{{ input }}' as input,
        {{ id }} as source_id,
        {{ customer }} as customer_id,
        {{ activity }} as activity,
        {{ detail }} as detail,
        cast({{ quantity }} as decimal(24, 6)) as quantity,
        cast({{ amount }} as decimal(18, 2)) as amount,
        {{ at }} as activity_at,
        cast({{ voided_at }} as timestamp) as voided_at
    from {{ ref(from or 'stg_' ~ input) }}
    where ({{ where }}) and {{ is_touched(customer) }}
{%- endmacro %}


{#- A later time that a date without a time of day put before the earlier one, at that one. -#}
{% macro not_before(later, earlier) -%}
    case when {{ later }} < {{ earlier }} then {{ earlier }} else {{ later }} end
{%- endmacro %}


{#- Accounts as known on the as-of date: what an account says is known from the day on which it was
    made. -#}
{% macro known_accounts() -%}
    select accounts.*
    from {{ ref('stg_customers') }} as accounts
    cross join {{ ref('stg_calendar') }} as calendar
    where
        accounts.created_at is null
        or {{ local_date('accounts.created_at') }} <= calendar.as_of_date
{%- endmacro %}
