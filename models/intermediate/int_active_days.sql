{{ config(materialized='incremental', meta={'touched_by': 'int_touched_customers'}) }}
{#- Days on which a customer was active, with the gap since the one before, as known within each
    period of knowledge. -#}
with active_days as (
    select distinct
        periods.customer_id,
        periods.known_from,
        periods.known_until,
        activities.activity_date as day
    from {{ ref('int_knowledge_periods') }} as periods
    inner join {{ ref('int_customer_activities') }} as activities
        on {{ known_in_period('activities', 'periods') }}
    where
        (
            activities.activity in ('order_paid', 'login_success')
            or (activities.activity = 'subscription_month' and activities.quantity = 1)
        )
        and {{ is_touched('activities.customer_id') }}
)

select
    customer_id,
    known_from,
    known_until,
    day,
    {{ days_between(
        'lag(day) over (partition by customer_id, known_from order by day)', 'day'
    ) }} as gap_days
from active_days
