-- One row per customer: what the card of one customer shows, in the order of the ids.
select
    customers.customer_id,
    customers.stage,
    customers.state,
    customers.state_since,
    customers.loyalty_rung,
    customers.value_tier,
    customers.predicted_value_365d,
    customers.net_revenue,
    customers.last_order_date,
    customers.days_silent,
    customers.typical_gap_days,
    customers.risk_level,
    customers.churn_probability_90d,
    churn.reason_1,
    churn.reason_2,
    churn.reason_3,
    customers.nps_class,
    customers.advocacy_tier,
    customers.has_open_complaint,
    customers.readiness_score,
    customers.cross_sell_blocked_by,
    customers.next_product,
    customers.next_action,
    customers.next_action_reason,
    plan.channel,
    plan.consent,
    plan.not_before_date
from marts.customers as customers
left join marts.customer_churn_risk as churn on customers.customer_id = churn.customer_id
left join marts.contact_plan as plan on customers.customer_id = plan.customer_id
order by customers.customer_id
