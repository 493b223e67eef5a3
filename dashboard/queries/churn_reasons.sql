-- One row per first reason with its figure, of customers at high or critical risk, not lost.
select
    reason_1 as reason,
    count(*) as customer_count,
    sum(revenue_at_risk) as revenue_at_risk
from marts.customer_churn_risk
where
    not is_lost
    and risk_level in ('high', 'critical')
    and reason_1 is not null
group by reason_1
order by count(*) desc, reason_1
