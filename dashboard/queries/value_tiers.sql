-- One row per value tier of customers with a paid order.
select
    value_tier,
    count(*) as customer_count,
    sum(historic_revenue) as historic_revenue,
    sum(predicted_value_365d) as predicted_value_365d,
    avg(predicted_value_365d) as mean_predicted_value,
    max(gift_budget) as gift_budget
from marts.customer_lifetime_value
group by value_tier
order by
    case value_tier
        when 'platinum' then 1
        when 'gold' then 2
        when 'silver' then 3
        else 4
    end
