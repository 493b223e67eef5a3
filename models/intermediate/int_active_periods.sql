{#- Who was active when, in the three kinds of activity that retention is counted in. -#}
{%- set kinds = {'order': 'is_order', 'login': 'is_login', 'any': 'is_any'} -%}
with activities as (
    select
        activities.customer_id,
        activities.activity,
        types.is_engagement,
        {{ period_of('activities.activity_date', 'week') }} as week,
        {{ period_of('activities.activity_date', 'month') }} as month
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('activity_types') }} as types on activities.activity = types.activity
    where activities.voided_date is null
),

-- The long stream is read once; what follows works on few rows per customer.
active as (
    select
        customer_id,
        week,
        month,
        max(case when activity = 'order_paid' then 1 else 0 end) = 1 as is_order,
        max(case when activity = 'login_success' then 1 else 0 end) = 1 as is_login,
        max(case when is_engagement then 1 else 0 end) = 1 as is_any
    from activities
    group by customer_id, week, month
)

{% for period in ['week', 'month'] -%}
{% for kind, is_kind in kinds.items() -%}
select distinct
    '{{ period }}' as period,
    '{{ kind }}' as activity,
    customer_id,
    {{ period }} as period_start
from active
where {{ is_kind }}
{% if not loop.last %}union all
{% endif -%}
{% endfor -%}
{% if not loop.last %}union all
{% endif -%}
{% endfor -%}
