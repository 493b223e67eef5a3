-- One row per tier and whose figure it is: the last month's, or the texts'.
with latest as (
    select
        customer_count,
        lurker_count,
        liker_count,
        lover_count,
        lurker_share,
        liker_share,
        lover_share,
        benchmark_lurker_share,
        benchmark_liker_share,
        benchmark_lover_share
    from marts.advocacy_tiers
    where
        month = (select max(months.month) from marts.advocacy_tiers as months)
        and customer_count > 0
        -- Where nobody ever did or said anything, nobody knows who would.
        and exists (
            select 1 from marts.advocacy_tiers as known
            where known.lover_count + known.liker_count > 0
        )
)

select
    'observed' as whose,
    'lurker' as tier,
    lurker_count as customer_count,
    lurker_share as customer_share
from latest
union all
select
    'observed' as whose,
    'liker' as tier,
    liker_count as customer_count,
    liker_share as customer_share
from latest
union all
select
    'observed' as whose,
    'lover' as tier,
    lover_count as customer_count,
    lover_share as customer_share
from latest
union all
select
    'the texts' as whose,
    'lurker' as tier,
    null as customer_count,
    benchmark_lurker_share as customer_share
from latest
union all
select
    'the texts' as whose,
    'liker' as tier,
    null as customer_count,
    benchmark_liker_share as customer_share
from latest
union all
select
    'the texts' as whose,
    'lover' as tier,
    null as customer_count,
    benchmark_lover_share as customer_share
from latest
