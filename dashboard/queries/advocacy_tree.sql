-- One row per customer in the referral trees of most revenue: ids only, three generations.
with edges as (
    select
        referrer_id,
        referred_customer_id,
        revenue
    from marts.referrals
    where
        is_first
        and is_converted
        and referred_customer_id is not null
        and not coalesce(is_self_referral, false)
        and not coalesce(is_cycle, false)
),

second as (
    select
        referrer_id,
        sum(revenue) as revenue
    from edges
    group by referrer_id
),

first as (
    select
        edges.referrer_id,
        sum(edges.revenue + coalesce(second.revenue, 0)) as revenue
    from edges
    left join second on edges.referred_customer_id = second.referrer_id
    group by edges.referrer_id
),

roots as (
    select
        first.referrer_id as node,
        first.revenue
    from first
    left join edges on first.referrer_id = edges.referred_customer_id
    where edges.referred_customer_id is null
    order by first.revenue desc, first.referrer_id asc
    limit 8
),

children as (
    select
        edges.referred_customer_id as node,
        edges.referrer_id as parent,
        edges.revenue + coalesce(second.revenue, 0) as revenue,
        row_number() over (
            partition by edges.referrer_id
            order by edges.revenue + coalesce(second.revenue, 0) desc, edges.referred_customer_id
        ) as place
    from edges
    inner join roots on edges.referrer_id = roots.node
    left join second on edges.referred_customer_id = second.referrer_id
),

grandchildren as (
    select
        edges.referred_customer_id as node,
        edges.referrer_id as parent,
        edges.revenue,
        row_number() over (
            partition by edges.referrer_id
            order by edges.revenue desc, edges.referred_customer_id asc
        ) as place
    from edges
    inner join children on edges.referrer_id = children.node
    where children.place <= 4
)

select
    1 as generation,
    node,
    null as parent,
    revenue as referred_revenue
from roots
union all
select
    2 as generation,
    node,
    parent,
    revenue as referred_revenue
from children
where place <= 4
union all
select
    3 as generation,
    node,
    parent,
    revenue as referred_revenue
from grandchildren
where place <= 2
order by generation asc, referred_revenue desc, node asc
limit 40
