{{ config(materialized='incremental', meta={'touched_by': 'int_touched_customers'}) }}
{#- Who was active when, in the three kinds of activity that retention is counted in. -#}
with activities as (
    select
        activities.customer_id,
        activities.activity = 'order_paid' as is_order,
        activities.activity = 'login_success' as is_login,
        coalesce(types.is_engagement, false) as is_engagement,
        {{ period_of('activities.activity_date', 'week') }} as week,
        {{ period_of('activities.activity_date', 'month') }} as month
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('activity_types') }} as types on activities.activity = types.activity
    where
        activities.voided_date is null
        and (types.is_engagement or activities.activity in ('order_paid', 'login_success'))
        and {{ is_touched('activities.customer_id') }}
),

-- The long stream is read once; what follows works on few rows per customer.
active as (
    select
        customer_id,
        bool_or(is_order) as is_order,
        bool_or(is_login) as is_login,
        bool_or(is_engagement) as is_any,
        week,
        month
    from activities
    group by customer_id, week, month
)

{% for period in ['week', 'month'] -%}
select
    '{{ period }}' as period,
    customer_id,
    bool_or(is_order) as is_order,
    bool_or(is_login) as is_login,
    bool_or(is_any) as is_any,
    {{ period }} as period_start
from active
group by customer_id, {{ period }}
{% if not loop.last %}union all
{% endif -%}
{% endfor -%}
