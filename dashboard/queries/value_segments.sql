-- One row per RFM segment.
select
    rfm_segment,
    count(*) as customer_count,
    sum(historic_revenue) as historic_revenue,
    avg(historic_revenue) as mean_historic_revenue,
    avg(order_probability_90d) as mean_order_probability
from marts.customer_lifetime_value
group by rfm_segment
order by count(*) desc, rfm_segment
