with pairs as (
    select * from {{ ref('int_product_pairs') }}
),

chances as (
    select * from {{ ref('int_product_chances') }} where cutoff_number = 0
),

rates as (
    select * from {{ ref('int_product_rates') }} where cutoff_number = 0
),

limits as (
    {{ thresholds(['affinity_pair_count', 'affinity_prior_count', 'minimum_sample_count']) }}
),

counted as (
    select
        pairs.*,
        {{ proportion('pairs.next_owner_count', 'pairs.buyer_count') }} as base_rate,
        -- Where nobody owned both in a window, every owner could have bought the next.
        coalesce(chances.trial_count_90d, owners.owner_count_90d, 0) as trial_count_90d,
        coalesce(chances.success_count_90d, 0) as success_count_90d,
        next_products.base_rate_90d,
        cast(limits.affinity_prior_count as double precision) as prior_count,
        pairs.owner_count >= limits.minimum_sample_count
        and pairs.pair_count >= limits.affinity_pair_count as is_sufficient
    from pairs
    cross join limits
    left join rates as owners on pairs.product_id = owners.product_id
    left join rates as next_products on pairs.next_product_id = next_products.product_id
    left join chances
        on
            pairs.product_id = chances.product_id
            and pairs.next_product_id = chances.next_product_id
),

estimated as (
    select
        counted.*,
        pair_count + prior_count * base_rate as shrunk_pair_count,
        owner_count + prior_count as shrunk_owner_count,
        success_count_90d + prior_count * base_rate_90d as shrunk_success_count,
        trial_count_90d + prior_count as shrunk_trial_count,
        {{ shrunk_rate('pair_count', 'owner_count', 'base_rate', 'prior_count') }} as confidence,
        {{ shrunk_rate('success_count_90d', 'trial_count_90d', 'base_rate_90d', 'prior_count') }}
            as probability_90d
    from counted
),

bounded as (
    select
        estimated.*,
        {%- for sign, side in [('-', 'low'), ('+', 'high')] %}
        {{ wilson_bound('shrunk_pair_count', 'shrunk_owner_count', sign) }}
            as confidence_{{ side }},
        {{ wilson_bound('shrunk_success_count', 'shrunk_trial_count', sign) }}
            as probability_90d_{{ side }}{{ ',' if not loop.last }}
        {%- endfor %}
    from estimated
)

select
    bounded.product_id,
    bounded.next_product_id,
    bounded.pair_count,
    bounded.later_count,
    bounded.owner_count,
    {{ proportion('bounded.pair_count', 'bounded.buyer_count') }} as support,
    bounded.base_rate,
    bounded.confidence,
    bounded.confidence_low,
    bounded.confidence_high,
    bounded.confidence / bounded.base_rate as lift,
    bounded.confidence_low / bounded.base_rate as lift_low,
    bounded.confidence_high / bounded.base_rate as lift_high,
    bounded.trial_count_90d,
    bounded.success_count_90d,
    bounded.base_rate_90d,
    bounded.probability_90d,
    bounded.probability_90d / nullif(bounded.base_rate_90d, 0) as lift_90d,
    bounded.probability_90d_low / nullif(bounded.base_rate_90d, 0) as lift_90d_low,
    bounded.probability_90d_high / nullif(bounded.base_rate_90d, 0) as lift_90d_high,
    bounded.is_sufficient,
    calendar.as_of_date
from bounded
cross join {{ ref('stg_calendar') }} as calendar
