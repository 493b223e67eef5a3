-- One row per recency score and frequency score of customers with a paid order.
select
    rfm_recency,
    rfm_frequency,
    count(*) as customer_count,
    avg(historic_revenue) as mean_historic_revenue
from marts.customer_lifetime_value
group by rfm_recency, rfm_frequency
order by rfm_recency, rfm_frequency
