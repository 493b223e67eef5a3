{#- Who stands upstream of whom. Each customer has one credited referrer at most, so that the way up
    is a line; it ends where it meets itself, since a pair is found once. -#}
with recursive parents as (
    select
        referred_customer_id as customer_id,
        referrer_id as parent_id
    from {{ ref('int_referrals') }}
    where is_first
),

ancestors as (
    select
        customer_id,
        parent_id as ancestor_id
    from parents
    union
    select
        ancestors.customer_id,
        parents.parent_id as ancestor_id
    from ancestors
    inner join parents on ancestors.ancestor_id = parents.customer_id
)

select
    customer_id,
    ancestor_id
from ancestors
