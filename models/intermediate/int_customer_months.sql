{{ config(
    materialized='incremental',
    meta={'touched_by': 'int_touched_states', 'open_since': 'month'},
) }}
with customers as (
    select * from {{ ref('int_customers') }} where first_seen_date is not null
),

customer_months as (
    select
        customers.customer_id,
        months.month,
        months.last_known_date
    from customers
    inner join {{ ref('int_months') }} as months
        on customers.first_seen_date <= months.last_known_date
    where {{ is_touched_or_open('customers.customer_id', 'months.month', 'int_touched_states') }}
),

states as (
    select
        customer_months.customer_id,
        customer_months.month,
        states.state
    from customer_months
    inner join {{ ref('int_customer_states') }} as states
        on customer_months.customer_id = states.customer_id
        and states.since_date <= customer_months.last_known_date
        and (states.until_date is null or states.until_date > customer_months.last_known_date)
),

stage_ranks as (
    select
        customer_months.customer_id,
        customer_months.month,
        max(evidence.stage_rank) as stage_rank
    from customer_months
    inner join {{ ref('int_stage_evidence') }} as evidence
        on customer_months.customer_id = evidence.customer_id
        and evidence.reached_date <= customer_months.last_known_date
        and evidence.known_from <= customer_months.last_known_date
        and evidence.known_until > customer_months.last_known_date
    group by customer_months.customer_id, customer_months.month
),

stages as (
    select distinct stage_rank, stage from {{ ref('stage_rules') }}
),

-- Money is booked on its own day: a refund lowers the month in which it was given, not the order's.
activity as (
    select
        activities.customer_id,
        months.month,
        count(case
            when
                activities.activity = 'order_paid'
                and (
                    activities.voided_date is null
                    or activities.voided_date > months.last_known_date
                )
                then 1
        end) as order_count,
        count(distinct case
            when
                activities.activity = 'order_paid'
                and (
                    activities.voided_date is null
                    or activities.voided_date > months.last_known_date
                )
                then activities.activity_date
        end) as purchase_day_count,
        sum(case
            when activities.activity in ('order_paid', 'order_refunded') then activities.amount
        end) as net_revenue,
        count(case
            when activities.activity in ('login_success', 'login_failure') then 1
        end) as login_count,
        count(case when activities.activity = 'login_success' then 1 end) as successful_login_count,
        count(case
            when activities.activity in ('touch_inbound', 'touch_outbound') then 1
        end) as touch_count,
        count(case when types.is_engagement then 1 end) as engagement_count
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('activity_types') }} as types on activities.activity = types.activity
    inner join {{ ref('int_months') }} as months
        on cast({{ dbt.date_trunc('month', 'activities.activity_date') }} as date) = months.month
    where {{ is_touched_or_open('activities.customer_id', 'months.month', 'int_touched_states') }}
    group by activities.customer_id, months.month
)

select
    customer_months.customer_id,
    customer_months.month,
    stages.stage,
    stage_ranks.stage_rank,
    states.state,
    coalesce(activity.order_count, 0) as order_count,
    coalesce(activity.purchase_day_count, 0) as purchase_day_count,
    cast(coalesce(activity.net_revenue, 0) as decimal(18, 2)) as net_revenue,
    coalesce(activity.login_count, 0) as login_count,
    coalesce(activity.successful_login_count, 0) as successful_login_count,
    coalesce(activity.touch_count, 0) as touch_count,
    coalesce(activity.engagement_count, 0) > 0 as is_active
from customer_months
inner join states
    on customer_months.customer_id = states.customer_id and customer_months.month = states.month
inner join stage_ranks
    on customer_months.customer_id = stage_ranks.customer_id
    and customer_months.month = stage_ranks.month
inner join stages on stage_ranks.stage_rank = stages.stage_rank
left join activity
    on customer_months.customer_id = activity.customer_id and customer_months.month = activity.month
