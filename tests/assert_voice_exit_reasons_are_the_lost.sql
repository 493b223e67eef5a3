-- Over reasons and competitors, exit_reasons adds up to the customers in state lost, and to those
-- of them who can be won back; shares to one.
with reasons as (
    select
        coalesce(sum(customer_count), 0) as customer_count,
        coalesce(sum(winnable_count), 0) as winnable_count,
        coalesce(sum(share_of_lost), 1) as share_of_lost
    from {{ ref('exit_reasons') }}
),

lost as (
    select count(*) as customer_count from {{ ref('customers') }} where state = 'lost'
),

winnable as (
    select count(*) as customer_count from {{ ref('win_back_candidates') }} where is_winnable
),

-- Each customer once a reason, so that customers are at most losses.
returns as (
    select count(*) as return_count from {{ ref('int_lost_intervals') }} where is_return
),

returned as (
    select coalesce(sum(returned_count), 0) as return_count from {{ ref('exit_reasons') }}
)

select
    reasons.customer_count,
    lost.customer_count as lost_count,
    reasons.winnable_count,
    reasons.share_of_lost
from reasons
cross join lost
cross join winnable
cross join returns
cross join returned
where
    reasons.customer_count <> lost.customer_count
    or reasons.winnable_count <> winnable.customer_count
    or abs(reasons.share_of_lost - 1) > 1e-9
    or returned.return_count > returns.return_count
    or (returned.return_count = 0) <> (returns.return_count = 0)
union all
select
    customer_count,
    winnable_count as lost_count,
    returned_count as winnable_count,
    share_of_lost
from {{ ref('exit_reasons') }}
where winnable_count > customer_count or won_back_count > returned_count or revenue_lost < 0
