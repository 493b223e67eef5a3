-- A prediction is given whole or not at all, with a reason; the interval holds the expectation; who
-- is expected to order is at least as probable to order in a year as in 90 days.
select
    customer_id,
    is_predictable,
    unpredictable_reason,
    predicted_value_low,
    predicted_value_365d,
    predicted_value_high
from {{ ref('customer_lifetime_value') }}
where
    is_predictable <> (unpredictable_reason is null)
    or is_predictable <> (predicted_value_365d is not null)
    or is_predictable <> (predicted_value_low is not null)
    or is_predictable <> (predicted_value_high is not null)
    or (is_predictable and (p_alive is null or expected_orders_365d is null))
    or predicted_value_low > predicted_value_365d
    or predicted_value_365d > predicted_value_high
    or order_probability_90d > p_alive
    or order_probability_90d > expected_orders_365d
    or next_order_median_date > next_order_late_date
    or next_order_median_date <= as_of_date
