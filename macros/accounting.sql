{#- The verdict on the rows of one input, the check against the future included: that one needs the
    calendar, which needs the rows of the core inputs first. -#}
{% macro verdicts(input) -%}
    select
        '{{ input }}' as input,
        coalesce(judged.file, '(no file recorded)') as file,
        judged.file_line as line_number,
        judged.accounted_amount as amount,
        judged.event_date,
        judged.notes,
        {{ customer_column(input) }} as source_customer_id,
        case
            when {{ is_in_the_future() }} then 'quarantined'
            else judged.row_status
        end as row_status
    from {{ ref('base_' ~ input) }} as judged
    cross join {{ ref('stg_calendar') }} as calendar
{%- endmacro %}

{% macro is_in_the_future() -%}
    judged.row_status = 'accepted'
    and judged.event_date > cast(calendar.last_plausible_date as date)
{%- endmacro %}

{% macro customer_column(input) -%}
    {%- if input == 'products' -%} cast(null as {{ dbt.type_string() }})
    {%- elif input == 'order_items' -%} judged.order_customer_id
    {%- elif input == 'referrals' -%} judged.referrer_id
    {%- else -%} judged.customer_id
    {%- endif -%}
{%- endmacro %}
