with responses as (
    select * from {{ ref('int_touch_responses') }}
),

outcomes as (
    select * from {{ ref('int_contact_outcomes') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

-- A purpose can have touches whose window is not over, or a control only.
keys as (
    select purpose, segment, segment_value from responses
    union distinct
    select purpose, segment, segment_value from outcomes
),

effects as (
    select
        keys.purpose,
        keys.segment,
        keys.segment_value,
        coalesce(responses.touch_count, 0) as touch_count,
        coalesce(responses.answered_count, 0) as answered_count,
        coalesce(responses.dwell_count, 0) as dwell_count,
        responses.dwell_over_10s_count,
        responses.dwell_over_20s_count,
        responses.cost_amount,
        coalesce(outcomes.contact_count, 0) as contact_count,
        coalesce(outcomes.bought_count, 0) as bought_count,
        coalesce(outcomes.control_count, 0) as control_count,
        coalesce(outcomes.control_bought_count, 0) as control_bought_count,
        {{ proportion('outcomes.net_revenue', 'outcomes.contact_count') }} as revenue_per_contact,
        {{ proportion('outcomes.control_net_revenue', 'outcomes.control_count') }}
            as control_revenue_per_contact,
        {{ proportion('outcomes.bought_count', 'outcomes.contact_count') }} as order_rate,
        {{ proportion('outcomes.control_bought_count', 'outcomes.control_count') }}
            as control_order_rate,
        {%- for sign, side in [('-', 'low'), ('+', 'high')] %}
        {{ newcombe_bound(
            'outcomes.bought_count', 'outcomes.contact_count',
            'outcomes.control_bought_count', 'outcomes.control_count', sign,
        ) }} as uplift_{{ side }},
        {%- endfor %}
        coalesce(
            outcomes.contact_count >= limits.minimum_sample_count
            and outcomes.control_count >= limits.minimum_sample_count,
            false
        ) as is_sufficient
    from keys
    cross join limits
    left join responses
        on keys.purpose = responses.purpose
        and keys.segment = responses.segment
        and keys.segment_value = responses.segment_value
    left join outcomes
        on keys.purpose = outcomes.purpose
        and keys.segment = outcomes.segment
        and keys.segment_value = outcomes.segment_value
)

select
    effects.purpose,
    effects.segment,
    effects.segment_value,
    case
        when effects.control_count = 0 or effects.contact_count = 0 then 'no_control'
        when effects.purpose = 'survey' then 'not_by_chance'
        when not effects.is_sufficient then 'too_few'
        when effects.uplift_low > 0 then 'uplift_shown'
        when effects.uplift_high < 0 then 'loss_shown'
        else 'no_uplift_shown'
    end as conclusion,
    effects.touch_count,
    effects.answered_count,
    {{ proportion('effects.answered_count', 'effects.touch_count') }} as response_rate,
    effects.dwell_count,
    {{ proportion('effects.dwell_over_10s_count', 'effects.dwell_count') }} as dwell_over_10s_rate,
    {{ proportion('effects.dwell_over_20s_count', 'effects.dwell_count') }} as dwell_over_20s_rate,
    effects.cost_amount,
    effects.contact_count,
    effects.bought_count,
    effects.control_count,
    effects.control_bought_count,
    effects.order_rate,
    effects.control_order_rate,
    effects.order_rate - effects.control_order_rate as uplift,
    effects.uplift_low,
    effects.uplift_high,
    effects.revenue_per_contact,
    effects.control_revenue_per_contact,
    effects.revenue_per_contact - effects.control_revenue_per_contact as revenue_uplift,
    effects.is_sufficient,
    calendar.as_of_date
from effects
cross join calendar
