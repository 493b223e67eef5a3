with owned as (
    select
        customer_id,
        product_id,
        first_bought_date
    from {{ ref('int_owned_products') }}
),

buyers as (
    select count(distinct customer_id) as buyer_count from owned
),

owners as (
    select
        product_id,
        count(*) as owner_count
    from owned
    group by product_id
),

pairs as (
    select
        first_product.product_id as product_id,
        other_product.product_id as next_product_id,
        count(*) as pair_count,
        count(case
            when other_product.first_bought_date >= first_product.first_bought_date then 1
        end) as later_count
    from owned as first_product
    inner join owned as other_product
        on
            first_product.customer_id = other_product.customer_id
            and first_product.product_id <> other_product.product_id
    group by first_product.product_id, other_product.product_id
)

select
    pairs.product_id,
    pairs.next_product_id,
    pairs.pair_count,
    pairs.later_count,
    owners.owner_count,
    next_owners.owner_count as next_owner_count,
    buyers.buyer_count
from pairs
inner join owners on pairs.product_id = owners.product_id
inner join owners as next_owners on pairs.next_product_id = next_owners.product_id
cross join buyers
