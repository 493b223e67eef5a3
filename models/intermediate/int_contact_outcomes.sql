{%- set segments = ['all', 'archetype'] -%}
with customers as (
    select
        customer_id,
        coalesce(archetype, 'unknown') as archetype
    from {{ ref('int_customers') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

-- Only what is over can be compared.
episodes as (
    select episodes.*
    from {{ ref('int_contact_episodes') }} as episodes
    inner join calendar on episodes.window_end_date <= calendar.as_of_date
)

{% for segment in segments %}
select
    episodes.purpose,
    '{{ segment }}' as segment,
    {{ "'all'" if segment == 'all' else 'customers.' ~ segment }} as segment_value,
    count(case when not episodes.is_control then 1 end) as contact_count,
    count(case when not episodes.is_control and episodes.is_bought then 1 end) as bought_count,
    sum(case when not episodes.is_control then episodes.net_revenue end) as net_revenue,
    count(case when episodes.is_control then 1 end) as control_count,
    count(case when episodes.is_control and episodes.is_bought then 1 end)
        as control_bought_count,
    sum(case when episodes.is_control then episodes.net_revenue end) as control_net_revenue
from episodes
inner join customers on episodes.customer_id = customers.customer_id
group by episodes.purpose{{ '' if segment == 'all' else ', customers.' ~ segment }}
{{ 'union all' if not loop.last }}
{%- endfor %}
