-- One row per pair of products, the 15 whose lift is surest to be high.
with named as (
    select
        product_id,
        coalesce(name, product_id) as name
    from marts.product_quality
)

select
    coalesce(owned.name, pairs.product_id) as owned_product,
    coalesce(following.name, pairs.next_product_id) as next_product,
    pairs.owner_count,
    pairs.pair_count,
    pairs.confidence as confidence_share,
    pairs.base_rate,
    pairs.lift,
    pairs.lift_low,
    pairs.lift_high,
    pairs.lift_90d
from marts.product_affinity as pairs
left join named as owned on pairs.product_id = owned.product_id
left join named as following on pairs.next_product_id = following.product_id
where pairs.is_sufficient
order by pairs.lift_low desc, pairs.product_id asc, pairs.next_product_id asc
limit 15
