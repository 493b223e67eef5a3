-- One row per month and tier.
with tiers as (
    select
        month,
        customer_count as all_count,
        'lurker' as tier,
        lurker_count as customer_count,
        lurker_share as customer_share,
        is_complete
    from marts.advocacy_tiers
    union all
    select
        month,
        customer_count as all_count,
        'liker' as tier,
        liker_count as customer_count,
        liker_share as customer_share,
        is_complete
    from marts.advocacy_tiers
    union all
    select
        month,
        customer_count as all_count,
        'lover' as tier,
        lover_count as customer_count,
        lover_share as customer_share,
        is_complete
    from marts.advocacy_tiers
)

select
    month,
    tier,
    customer_count,
    customer_share
from tiers
where all_count > 0
order by month, tier
