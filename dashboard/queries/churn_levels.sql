-- One row per risk level of customers who are not lost; not_predicted where there is no score.
select
    coalesce(risk_level, 'not_predicted') as risk_level,
    count(*) as customer_count,
    count(*) * 1.0 / sum(count(*)) over () as customer_share,
    sum(revenue_at_risk) as revenue_at_risk,
    avg(churn_probability_90d) as mean_churn_probability
from marts.customer_churn_risk
where not is_lost
group by coalesce(risk_level, 'not_predicted')
order by
    case coalesce(risk_level, 'not_predicted')
        when 'critical' then 1
        when 'high' then 2
        when 'watch' then 3
        when 'low' then 4
        else 5
    end
