{% for input in input_names() %}
{%- set key = {
    'orders': 'order_id', 'order_items': 'order_id', 'products': 'product_id', 'logins': 'login_id',
    'surveys': 'response_id', 'customers': 'customer_id', 'touches': 'touch_id',
    'events': 'event_id', 'tickets': 'ticket_id', 'referrals': 'referral_id',
    'advocacy_acts': 'act_id', 'subscriptions': 'subscription_id',
}[input] -%}
select
    '{{ input }}' as input,
    judged.file,
    judged.file_line as line_number,
    'dated ' || cast(judged.event_date as {{ dbt.type_string() }})
    || ', long after the last plausible order, login or survey of '
    || cast(calendar.last_core_date as {{ dbt.type_string() }}) as details,
    {{ raw_as_json(input, 'landed.') }} as row_text
from {{ ref('base_' ~ input) }} as judged
cross join {{ ref('stg_calendar') }} as calendar
-- The text as it landed: staging keeps that of set-aside rows only, and this verdict falls later.
left join {{ source('raw', input) }} as landed
    on judged.file_line = landed._line
    and judged.file = landed._file
    and judged.{{ key }} = {{ clean_text('landed.' ~ key) }}
where {{ is_in_the_future() }}
{{ 'union all' if not loop.last }}
{% endfor %}
