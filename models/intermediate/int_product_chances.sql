{#- How often owners of a product who do not own the next one buy it within the horizon. Those who
    could are the owners of the first less those of both, so no customer is paired with a product
    that they never had. -#}
with periods as (
    select * from {{ ref('int_owned_periods') }}
),

windows as (
    {{ product_windows() }}
),

next_products as (
    select * from {{ ref('int_product_rates') }}
),

owners as (
    select * from {{ ref('int_product_rates') }}
),

limits as (
    {{ thresholds(['affinity_prior_count']) }}
),

both_owned as (
    select
        first_product.product_id as product_id,
        next_product.product_id as next_product_id,
        least(first_product.oldest_cutoff_number, next_product.oldest_cutoff_number)
            as oldest_cutoff_number,
        greatest(first_product.latest_cutoff_number, next_product.latest_cutoff_number)
            as latest_cutoff_number
    from periods as first_product
    inner join periods as next_product
        on
            first_product.customer_id = next_product.customer_id
            and first_product.product_id <> next_product.product_id
),

both_spans as (
    select
        product_id,
        next_product_id,
        oldest_cutoff_number,
        latest_cutoff_number,
        count(*) as both_count
    from both_owned
    where latest_cutoff_number <= oldest_cutoff_number
    group by product_id, next_product_id, oldest_cutoff_number, latest_cutoff_number
),

both_owners as (
    select
        both_spans.product_id,
        both_spans.next_product_id,
        windows.cutoff_number,
        sum(both_spans.both_count) as both_count
    from both_spans
    inner join windows
        on windows.window_number
        between both_spans.latest_cutoff_number and both_spans.oldest_cutoff_number
    group by both_spans.product_id, both_spans.next_product_id, windows.cutoff_number
),

buyers as (
    select
        periods.product_id,
        new_products.product_id as next_product_id,
        new_products.cutoff_number,
        count(*) as buyer_count
    from {{ ref('int_new_products') }} as new_products
    inner join periods
        on
            new_products.customer_id = periods.customer_id
            and new_products.cutoff_number
            between periods.latest_cutoff_number and periods.oldest_cutoff_number
    group by periods.product_id, new_products.product_id, new_products.cutoff_number
),

counts as (
    select
        product_id,
        next_product_id,
        cutoff_number,
        both_count,
        0 as success_count
    from both_owners
    union all
    select
        buyers.product_id,
        buyers.next_product_id,
        windows.cutoff_number,
        0 as both_count,
        buyers.buyer_count as success_count
    from buyers
    inner join windows on buyers.cutoff_number = windows.window_number
),

pairs as (
    select
        product_id,
        next_product_id,
        cutoff_number,
        cast(sum(both_count) as bigint) as both_count,
        cast(sum(success_count) as bigint) as success_count_90d
    from counts
    group by product_id, next_product_id, cutoff_number
)

select
    pairs.product_id,
    pairs.next_product_id,
    pairs.cutoff_number,
    owners.owner_count_90d - pairs.both_count as trial_count_90d,
    pairs.success_count_90d,
    next_products.base_rate_90d,
    {{ shrunk_rate(
        'pairs.success_count_90d', '(owners.owner_count_90d - pairs.both_count)',
        'next_products.base_rate_90d', 'cast(limits.affinity_prior_count as double precision)',
    ) }} as probability_90d
from pairs
inner join next_products
    on
        pairs.next_product_id = next_products.product_id
        and pairs.cutoff_number = next_products.cutoff_number
inner join owners
    on pairs.product_id = owners.product_id and pairs.cutoff_number = owners.cutoff_number
cross join limits
