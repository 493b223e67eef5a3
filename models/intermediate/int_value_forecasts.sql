with summary as (
    select * from {{ ref('int_purchase_summary') }}
),

parameters as (
    select * from {{ ref('int_value_parameters') }} where no_orders_reason is null
),

order_forecasts as (
    select * from {{ ref('int_order_forecasts') }}
),

{{ value_forecast_ctes(365) }}

select
    customer_id,
    p_alive * orders_alive as expected_orders_365d,
    order_value as expected_order_value,
    predicted_value as predicted_value_365d,
    low_value as predicted_value_low,
    high_value as predicted_value_high,
    p_alive,
    p_alive * order_alive_90d as order_probability_90d,
    order_probability as order_probability_365d,
    median_days as next_order_median_days,
    late_days as next_order_late_days
from value_forecasts
