{#- An amount is foretold by its model, by a rule (who bought in the last horizon goes on at their
    own rate, nobody else buys), and by what this customer did in the last horizon. -#}
with snapshots as (
    select * from {{ ref('int_customer_snapshots') }}
    where frequency is not null
),

joined as (
    select
        forecasts.customer_id,
        forecasts.cutoff_number,
        forecasts.cutoff_date,
        forecasts.horizon_days,
        forecasts.expected_orders,
        forecasts.expected_orders * forecasts.expected_order_value as predicted_value,
        cast(snapshots.frequency + 1 as double precision) as purchase_days,
        cast(snapshots.net_revenue as double precision) as revenue,
        -- Nobody is younger than the horizon for the rate: one order of yesterday is no habit.
        cast(forecasts.horizon_days as double precision)
        / cast(greatest(snapshots.age_days, forecasts.horizon_days) as double precision)
            as horizon_share
        {%- for amount in ['purchase_days', 'revenue'] %}
        {%- for place in ['last', 'next'] %},
        cast(case forecasts.horizon_days
            {%- for horizon in cutoff_calendar().backtests %}
            when {{ horizon }} then {{ 'snapshots.' ~ amount if place == 'last'
                else 'outcomes.' ~ amount ~ '_next' }}_{{ horizon }}d
            {%- endfor %}
        end as double precision) as {{ place }}_{{ amount }}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('int_backtest_forecasts') }} as forecasts
    inner join snapshots
        on forecasts.customer_id = snapshots.customer_id
        and forecasts.cutoff_number = snapshots.cutoff_number
    inner join {{ ref('int_snapshot_outcomes') }} as outcomes
        on forecasts.customer_id = outcomes.customer_id
        and forecasts.cutoff_number = outcomes.cutoff_number
),

amounts as (
    {% for score, model, amount in [
        ('expected_orders_', 'expected_orders', 'purchase_days'),
        ('predicted_value_', 'predicted_value', 'revenue'),
    ] -%}
    select
        customer_id,
        '{{ score }}' || cast(horizon_days as {{ dbt.type_string() }}) || 'd' as score,
        cutoff_number,
        horizon_days,
        {{ model }} as model,
        case when last_purchase_days > 0 then {{ amount }} * horizon_share else 0 end
            as recency_rule,
        last_{{ amount }} as last_period_repeated,
        next_{{ amount }} as observed,
        cutoff_date
    from joined
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    customer_id,
    score,
    cutoff_number,
    horizon_days,
    model,
    recency_rule,
    last_period_repeated,
    observed,
    cutoff_date
from amounts
where model is not null and observed is not null
