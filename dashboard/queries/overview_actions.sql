-- One row per action of the contact plan.
select
    action,
    count(*) as customer_count,
    sum(revenue_at_risk) as revenue_at_risk,
    sum(expected_effect) as expected_effect
from marts.contact_plan
where action <> 'nothing'
group by action
order by min(precedence)
