{%- set limits = [
    'predictable_buyer_count', 'predictable_history_days', 'predictable_repeater_count',
    'costed_order_count',
] -%}
with parameters as (
    select * from {{ ref('stg_model_parameters') }} where is_current
),

limits as (
    {{ thresholds(limits) }}
),

-- One row, whatever was fitted; nulls where nothing was.
fitted as (
    select
        max(case when family = 'orders' and parameter = 'r' then fit_id end) as orders_fit_id,
        max(case when family = 'orders' and parameter = 'r' then model end) as orders_model,
        max(case when family = 'spend' then model end) as spend_model,
        max(case when family = 'orders' and parameter = 'r' then value end) as r,
        max(case when family = 'orders' and parameter = 'alpha' then value end) as alpha,
        max(case when family = 'orders' and parameter = 'a' then value end) as a,
        max(case when family = 'orders' and parameter = 'b' then value end) as b,
        max(case when model = 'gamma_gamma' and parameter = 'p' then value end) as spend_p,
        max(case when model = 'gamma_gamma' and parameter = 'q' then value end) as spend_q,
        max(case when model = 'gamma_gamma' and parameter = 'gamma' then value end) as spend_gamma,
        max(case when model = 'mean_spend' and parameter = 'mean' then value end) as spend_mean
    from parameters
),

nodes as (
    select max(nodes.frequency) as largest_frequency
    from {{ ref('stg_model_nodes') }} as nodes
    inner join fitted on nodes.fit_id = fitted.orders_fit_id
),

history as (
    select
        count(*) as buyer_count,
        coalesce(max(age_days), 0) as history_days,
        count(case when frequency >= 2 then 1 end) as repeater_count,
        coalesce(sum(costed_order_count), 0) as costed_order_count,
        cast(sum(costed_revenue) as double precision) as costed_revenue,
        cast(sum(cost_amount) as double precision) as cost_amount
    from {{ ref('int_purchase_summary') }}
),

judged as (
    select
        fitted.*,
        -- First that applies.
        case
            when history.buyer_count < limits.predictable_buyer_count
                then {{ too_few(
                    'fewer buyers', 'history.buyer_count', 'limits.predictable_buyer_count'
                ) }}
            when history.history_days < limits.predictable_history_days
                then {{ too_few(
                    'fewer days of history', 'history.history_days',
                    'limits.predictable_history_days'
                ) }}
            when history.repeater_count < limits.predictable_repeater_count
                then {{ too_few(
                    'fewer buyers with 3 or more purchase days', 'history.repeater_count',
                    'limits.predictable_repeater_count'
                ) }}
            when fitted.r is null or nodes.largest_frequency is null
                then 'no model of orders is fitted yet: run evergreen fit'
        end as no_orders_reason,
        nodes.largest_frequency,
        history.costed_order_count >= limits.costed_order_count and history.costed_revenue > 0
            as is_margin_known,
        (history.costed_revenue - history.cost_amount) / nullif(history.costed_revenue, 0)
            as observed_margin_rate
    from fitted
    cross join limits
    cross join nodes
    cross join history
)

select
    orders_fit_id,
    orders_model,
    spend_model,
    no_orders_reason,
    case
        when no_orders_reason is not null then no_orders_reason
        when spend_model is null then 'no model of spend is fitted: evergreen fit says why'
    end as unpredictable_reason,
    r,
    alpha,
    a,
    b,
    -- What b + x is raised by: in MBG/NBD one may drop out right after the first purchase.
    cast(case when orders_model = 'mbg_nbd' then 1 else 0 end as double precision) as dropout_shift,
    spend_p,
    spend_q,
    spend_gamma,
    spend_mean,
    case
        when is_margin_known then observed_margin_rate
        else cast({{ var('default_margin_rate') }} as double precision)
    end as margin_rate,
    largest_frequency,
    is_margin_known
from judged
