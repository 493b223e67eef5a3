-- One row per month of the median date of the next order, of the 12 months after the as-of date.
select
    cast(date_trunc('month', next_order_median_date) as date) as month,
    count(*) as customer_count,
    avg(expected_order_value) as mean_expected_order_value,
    avg(order_probability_90d) as mean_order_probability
from marts.customer_lifetime_value
where
    next_order_median_date > as_of_date
    and next_order_median_date <= as_of_date + interval '365' day
group by cast(date_trunc('month', next_order_median_date) as date)
order by month
