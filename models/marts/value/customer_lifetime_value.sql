with summary as (
    select * from {{ ref('int_purchase_summary') }}
),

parameters as (
    select * from {{ ref('int_value_parameters') }}
),

contacts as (
    select
        customer_id,
        max(activity_date) as last_contact_date
    from {{ ref('int_customer_activities') }}
    where activity in ('touch_outbound', 'touch_inbound')
    group by customer_id
),

forecast as (
    select
        summary.customer_id,
        summary.order_count,
        summary.frequency,
        summary.recency_days,
        summary.age_days,
        summary.net_revenue,
        summary.costed_revenue - summary.cost_amount
        + cast(summary.net_revenue - summary.costed_revenue as double precision)
        * parameters.margin_rate as historic_margin,
        forecasts.expected_orders_365d,
        forecasts.expected_order_value,
        forecasts.predicted_value_365d,
        forecasts.predicted_value_low,
        forecasts.predicted_value_high,
        forecasts.p_alive,
        forecasts.order_probability_90d,
        forecasts.next_order_median_days,
        forecasts.next_order_late_days,
        parameters.unpredictable_reason,
        summary.last_purchase_date,
        contacts.last_contact_date,
        calendar.as_of_date
    from summary
    cross join parameters
    cross join {{ ref('stg_calendar') }} as calendar
    left join {{ ref('int_value_forecasts') }} as forecasts
        on summary.customer_id = forecasts.customer_id
    left join contacts on summary.customer_id = contacts.customer_id
),

-- Customers with less than this one. No tiebreaker: equal values must rank equally.
ranked as (
    select
        forecast.*,
        rank() over (order by last_purchase_date) - 1 as staler_count,
        rank() over (order by frequency) - 1 as rarer_count,
        rank() over (order by net_revenue) - 1 as poorer_count,
        rank() over (
            order by
                case
                    when unpredictable_reason is null then predicted_value_365d
                    else cast(net_revenue as double precision)
                end
        ) - 1 as less_valuable_count,
        count(*) over () as customer_count
    from forecast
),

scored as (
    select
        ranked.*,
        {{ quantile_group('staler_count', 'customer_count', 5) }} as rfm_recency,
        {{ quantile_group('rarer_count', 'customer_count', 5) }} as rfm_frequency,
        {{ quantile_group('poorer_count', 'customer_count', 5) }} as rfm_monetary,
        11 - {{ quantile_group('less_valuable_count', 'customer_count', 10) }} as value_decile
    from ranked
)

select
    scored.customer_id,
    tiers.value_tier,
    segments.rfm_segment,
    scored.unpredictable_reason,
    scored.order_count,
    scored.frequency,
    scored.recency_days,
    scored.age_days,
    scored.net_revenue as historic_revenue,
    cast(scored.historic_margin as decimal(18, 2)) as historic_margin,
    cast(
        cast(scored.net_revenue as double precision)
        / cast(scored.order_count as double precision) as decimal(18, 2)
    ) as average_order_value,
    scored.expected_orders_365d,
    cast(scored.expected_order_value as decimal(18, 2)) as expected_order_value,
    cast(scored.predicted_value_365d as decimal(18, 2)) as predicted_value_365d,
    cast(scored.predicted_value_low as decimal(18, 2)) as predicted_value_low,
    cast(scored.predicted_value_high as decimal(18, 2)) as predicted_value_high,
    scored.p_alive,
    scored.order_probability_90d,
    scored.value_decile,
    scored.rfm_recency,
    scored.rfm_frequency,
    scored.rfm_monetary,
    tiers.gift_budget,
    scored.unpredictable_reason is null as is_predictable,
    cast({{ dbt.dateadd(
        'day', 'scored.next_order_median_days', 'scored.as_of_date'
    ) }} as date) as next_order_median_date,
    cast({{ dbt.dateadd(
        'day', 'scored.next_order_late_days', 'scored.as_of_date'
    ) }} as date) as next_order_late_date,
    scored.last_contact_date,
    scored.as_of_date
from scored
left join {{ ref('rfm_segments') }} as segments
    on scored.rfm_recency = segments.rfm_recency
    and scored.rfm_frequency = segments.rfm_frequency
    and scored.rfm_monetary = segments.rfm_monetary
left join {{ ref('value_tiers') }} as tiers on scored.value_decile = tiers.value_decile
