-- Who to call this week, and why? Actions that can be taken within seven days of the as-of date,
-- the most pressing and those with the most money at risk first.
select
    plan.priority,
    plan.customer_id,
    plan.action,
    plan.reason,
    plan.channel,
    plan.revenue_at_risk,
    plan.expected_effect,
    plan.effect_basis,
    risk.churn_probability_90d,
    risk.reason_1 as churn_reason,
    plan.not_before_date
from {{ ref('contact_plan') }} as plan
left join {{ ref('customer_churn_risk') }} as risk on plan.customer_id = risk.customer_id
where plan.action <> 'nothing' and plan.not_before_date < plan.as_of_date + 7
order by plan.priority
