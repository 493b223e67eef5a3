-- One row per tenth of customers by value, the most valuable first.
select
    value_decile,
    count(*) as customer_count,
    avg(predicted_value_365d) as mean_predicted_value,
    avg(predicted_value_low) as mean_low_value,
    avg(predicted_value_high) as mean_high_value,
    avg(historic_revenue) as mean_historic_revenue
from marts.customer_lifetime_value
group by value_decile
order by value_decile
