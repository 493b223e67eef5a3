with customers as (
    select * from {{ ref('int_customers') }}
),

totals as (
    select * from {{ ref('int_customer_totals') }}
),

lifecycle as (
    select * from {{ ref('customer_lifecycle') }}
),

pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

warnings as (
    select
        customer_id,
        count(*) as warning_count
    from {{ ref('early_warnings') }}
    group by customer_id
),

lockouts as (
    select customer_id from {{ ref('login_problems') }}
),

worth as (
    select * from {{ ref('customer_lifetime_value') }}
),

risk as (
    select * from {{ ref('customer_churn_risk') }}
),

advocacy as (
    select * from {{ ref('customer_advocacy') }}
),

readiness as (
    select * from {{ ref('cross_sell_readiness') }}
),

plan as (
    select * from {{ ref('contact_plan') }}
)

select
    customers.customer_id,
    customers.archetype,
    customers.country,
    customers.entry_source,
    customers.entry_campaign,
    customers.preferred_channel,
    customers.reseller_id,
    lifecycle.stage,
    lifecycle.stage_rank,
    lifecycle.state,
    lifecycle.loyalty_rung,
    worth.value_tier,
    worth.rfm_segment,
    risk.risk_level,
    risk.recommended_play,
    advocacy.advocacy_tier,
    advocacy.quadrant as advocacy_quadrant,
    advocacy.nps_class,
    readiness.blocked_by as cross_sell_blocked_by,
    readiness.next_product_1 as next_product,
    plan.action as next_action,
    plan.reason as next_action_reason,
    customers.source_id_count,
    coalesce(totals.order_count, 0) as order_count,
    coalesce(totals.purchase_day_count, 0) as purchase_day_count,
    cast(coalesce(totals.net_revenue, 0) as decimal(18, 2)) as net_revenue,
    cast(coalesce(totals.subscription_revenue, 0) as decimal(18, 2)) as subscription_revenue,
    cast(
        coalesce(totals.monthly_recurring_revenue, 0) as decimal(18, 2)
    ) as monthly_recurring_revenue,
    coalesce(totals.login_count, 0) as login_count,
    coalesce(totals.successful_login_count, 0) as successful_login_count,
    coalesce(totals.touch_count, 0) as touch_count,
    coalesce(totals.advocacy_act_count, 0) as advocacy_act_count,
    coalesce(totals.converted_referral_count, 0) as converted_referral_count,
    worth.predicted_value_365d,
    worth.value_decile,
    lifecycle.days_in_stage,
    pulse.days_silent,
    pulse.typical_gap_days,
    pulse.overdue_ratio,
    pulse.usage_trend,
    pulse.failed_login_streak,
    coalesce(warnings.warning_count, 0) as warning_count,
    risk.churn_probability_90d,
    cast(coalesce(risk.revenue_at_risk, 0) as decimal(18, 2)) as revenue_at_risk,
    advocacy.advocacy_score,
    advocacy.loyalty_score,
    readiness.readiness_score,
    coalesce(totals.running_subscription_count, 0) > 0 as is_subscribed,
    lockouts.customer_id is not null as is_locked_out,
    advocacy.has_open_complaint,
    readiness.is_ready as is_ready_for_more,
    customers.has_consent,
    customers.first_seen_date,
    totals.first_paid_date,
    totals.first_order_date,
    totals.last_order_date,
    lifecycle.state_since,
    lifecycle.as_of_date,
    totals.last_order_at,
    totals.last_login_at
from customers
inner join lifecycle on customers.customer_id = lifecycle.customer_id
inner join pulse on customers.customer_id = pulse.customer_id
left join totals on customers.customer_id = totals.customer_id
left join warnings on customers.customer_id = warnings.customer_id
left join lockouts on customers.customer_id = lockouts.customer_id
left join worth on customers.customer_id = worth.customer_id
left join risk on customers.customer_id = risk.customer_id
left join advocacy on customers.customer_id = advocacy.customer_id
left join readiness on customers.customer_id = readiness.customer_id
left join plan on customers.customer_id = plan.customer_id
