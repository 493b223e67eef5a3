with parameters as (
    select * from {{ ref('int_value_parameters') }} where no_orders_reason is null
),

nodes as (
    select nodes.*
    from {{ ref('stg_model_nodes') }} as nodes
    inner join parameters on nodes.fit_id = parameters.orders_fit_id
),

pairs as (
    select distinct
        frequency,
        age_days
    from {{ ref('int_purchase_summary') }}
),

{{ order_forecast_ctes(365, 12, var('annual_discount_rate')) }}

select
    frequency,
    age_days,
    orders_alive,
    discounted_orders_alive,
    factorial_moment_alive
from order_forecasts
