with pairs as (
    select * from {{ ref('int_product_pairs') }} where pair_count > 0
),

chances as (
    select * from {{ ref('int_product_chances') }} where cutoff_number = 0
),

rates as (
    select * from {{ ref('int_product_rates') }} where cutoff_number = 0
),

limits as (
    {{ thresholds(['affinity_prior_count', 'minimum_sample_count']) }}
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
        pairs.chance_count >= limits.minimum_sample_count as is_sufficient
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
        {{ shrunk_rate('pair_count', 'chance_count', 'base_rate', 'prior_count') }} as confidence,
        {{ shrunk_rate('success_count_90d', 'trial_count_90d', 'base_rate_90d', 'prior_count') }}
            as probability_90d,
        {{ wilson_bound('pair_count', 'chance_count', '-') }} as confidence_low,
        {{ wilson_bound('pair_count', 'chance_count', '+') }} as confidence_high
    from counted
)

select
    estimated.product_id,
    estimated.next_product_id,
    estimated.pair_count,
    estimated.chance_count,
    {{ proportion('estimated.pair_count', 'estimated.buyer_count') }} as support,
    estimated.base_rate,
    estimated.confidence,
    {{ proportion('estimated.pair_count', 'estimated.chance_count') }} as observed_confidence,
    estimated.confidence_low,
    estimated.confidence_high,
    estimated.confidence / estimated.base_rate as lift,
    estimated.confidence_low / estimated.base_rate as lift_low,
    estimated.confidence_high / estimated.base_rate as lift_high,
    estimated.probability_90d,
    estimated.base_rate_90d,
    estimated.trial_count_90d,
    estimated.success_count_90d,
    estimated.is_sufficient,
    calendar.as_of_date
from estimated
cross join {{ ref('stg_calendar') }} as calendar
