{#- Of each product what its owners buy next. A customer who owns n products needs no more than the
    first n + 2 of each list: n - 1 others of theirs may stand in it, and three that they do not own
    remain. What comes later in a list is outdone by those three, whatever else they own. -#}
{%- set prior = 'cast(limits.affinity_prior_count as double precision)' -%}
with periods as (
    select * from {{ ref('int_owned_periods') }}
),

origins as (
    select cutoff_number
    from {{ ref('int_cutoffs') }}
    where cutoff_number in ({{ product_calendar().origins | join(', ') }})
),

rates as (
    select * from {{ ref('int_product_rates') }}
),

chances as (
    select * from {{ ref('int_product_chances') }} where probability_90d is not null
),

limits as (
    {{ thresholds(['affinity_prior_count']) }}
),

owners as (
    select
        periods.customer_id,
        origins.cutoff_number,
        count(*) as product_count
    from periods
    inner join origins
        on origins.cutoff_number
        between periods.latest_cutoff_number and periods.oldest_cutoff_number
    group by periods.customer_id, origins.cutoff_number
),

lengths as (
    select
        cutoff_number,
        max(product_count) + 2 as needed_count
    from owners
    group by cutoff_number
),

seen as (
    select
        product_id,
        cutoff_number,
        count(*) as seen_count
    from chances
    group by product_id, cutoff_number
),

products as (
    select
        rates.product_id,
        rates.cutoff_number,
        rates.owner_count_90d,
        coalesce(seen.seen_count, 0) as seen_count,
        lengths.needed_count
    from rates
    inner join lengths on rates.cutoff_number = lengths.cutoff_number
    left join seen
        on rates.product_id = seen.product_id and rates.cutoff_number = seen.cutoff_number
),

-- A pair that nobody has owned is one of no success: nearer to 0 the more customers could have. Of
-- these the most popular come first, so only they are paired.
candidates as (
    select
        products.product_id,
        next_products.product_id as next_product_id,
        products.cutoff_number,
        products.needed_count,
        next_products.base_rate_90d,
        coalesce(
            chances.probability_90d,
            {{ shrunk_rate(
                '0', 'products.owner_count_90d', 'next_products.base_rate_90d', prior
            ) }}
        ) as probability
    from products
    inner join rates as next_products
        on
            products.cutoff_number = next_products.cutoff_number
            and products.product_id <> next_products.product_id
            and products.seen_count + products.needed_count + 1 >= next_products.popularity_rank
    left join chances
        on
            products.product_id = chances.product_id
            and products.cutoff_number = chances.cutoff_number
            and next_products.product_id = chances.next_product_id
    cross join limits
    union
    select
        chances.product_id,
        chances.next_product_id,
        chances.cutoff_number,
        lengths.needed_count,
        chances.base_rate_90d,
        chances.probability_90d as probability
    from chances
    inner join lengths on chances.cutoff_number = lengths.cutoff_number
),

ranked as (
    select
        candidates.*,
        row_number() over (
            partition by product_id, cutoff_number
            order by probability desc, base_rate_90d desc, next_product_id asc
        ) as suggestion_rank
    from candidates
)

select
    product_id,
    next_product_id,
    cutoff_number,
    base_rate_90d,
    probability,
    suggestion_rank
from ranked
where suggestion_rank <= needed_count
