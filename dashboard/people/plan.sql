-- One row per customer with something to do, in the order of the plan.
select
    priority,
    customer_id,
    action,
    reason,
    channel,
    consent,
    not_before_date,
    revenue_at_risk,
    expected_effect
from marts.contact_plan
where action <> 'nothing'
order by priority, customer_id
