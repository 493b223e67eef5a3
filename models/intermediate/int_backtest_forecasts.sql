{#- What int_value_forecasts says today, said on each past day with the parameters of that day.
    Revenue is foretold, so nothing is discounted and no margin is taken. -#}
with snapshots as (
    select
        customer_id,
        cutoff_number,
        frequency,
        recency_days,
        age_days,
        mean_repeat_value,
        cutoff_date
    from {{ ref('int_customer_snapshots') }}
    where frequency is not null
),

parameters as (
    select
        parameters.*,
        {{ backtest_horizon_days('cutoff_number') }} as horizon_days
    from {{ ref('int_cutoff_parameters') }} as parameters
    where {{ backtest_horizon_days('cutoff_number') }} is not null
),

nodes as (
    select
        parameters.cutoff_number,
        nodes.frequency,
        nodes.dropout_probability,
        nodes.weight
    from parameters
    inner join {{ ref('stg_model_nodes') }} as nodes
        on parameters.orders_fit_id = nodes.fit_id and parameters.orders_model = nodes.model
),

pairs as (
    select distinct
        cutoff_number,
        frequency,
        age_days
    from snapshots
),

{{ order_forecast_ctes('parameters.horizon_days', 1, key='cutoff_number') }},

scored as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.cutoff_date,
        parameters.horizon_days,
        order_forecasts.orders_alive,
        {{ p_alive('snapshots', 'parameters') }} as p_alive,
        {{ order_probability_alive('snapshots', 'parameters', 'parameters.horizon_days') }}
            as order_alive,
        {{ expected_order_value('snapshots', 'parameters') }} as expected_order_value
    from snapshots
    inner join parameters on snapshots.cutoff_number = parameters.cutoff_number
    inner join order_forecasts
        on snapshots.cutoff_number = order_forecasts.cutoff_number
        and snapshots.frequency = order_forecasts.frequency
        and snapshots.age_days = order_forecasts.age_days
)

select
    customer_id,
    cutoff_number,
    horizon_days,
    p_alive * order_alive as order_probability,
    p_alive * orders_alive as expected_orders,
    expected_order_value,
    cutoff_date
from scored
