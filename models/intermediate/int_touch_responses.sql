{%- set segments = ['all', 'archetype'] -%}
with customers as (
    select
        customer_id,
        coalesce(archetype, 'unknown') as archetype
    from {{ ref('int_customers') }}
),

answers as (
    select distinct source_id
    from {{ ref('int_customer_activities') }}
    where activity = 'survey_answered'
),

touches as (
    select
        customer_id,
        purpose,
        is_answered,
        dwell_seconds,
        cost_amount
    from {{ ref('int_touches') }}
    where direction = 'outbound' and not is_control and purpose is not null
    union all
    select
        sent.customer_id,
        'survey' as purpose,
        answers.source_id is not null as is_answered,
        cast(null as double precision) as dwell_seconds,
        cast(null as decimal(18, 2)) as cost_amount
    from {{ ref('int_customer_activities') }} as sent
    left join answers on sent.source_id = answers.source_id
    where sent.activity = 'survey_sent'
)

{% for segment in segments %}
select
    touches.purpose,
    '{{ segment }}' as segment,
    {{ "'all'" if segment == 'all' else 'customers.' ~ segment }} as segment_value,
    count(*) as touch_count,
    count(case when touches.is_answered then 1 end) as answered_count,
    count(touches.dwell_seconds) as dwell_count,
    count(case when touches.dwell_seconds > 10 then 1 end) as dwell_over_10s_count,
    count(case when touches.dwell_seconds > 20 then 1 end) as dwell_over_20s_count,
    cast(sum(touches.cost_amount) as decimal(18, 2)) as cost_amount
from touches
inner join customers on touches.customer_id = customers.customer_id
group by touches.purpose{{ '' if segment == 'all' else ', customers.' ~ segment }}
{{ 'union all' if not loop.last }}
{%- endfor %}
