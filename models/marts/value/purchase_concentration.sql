-- Equal revenues may fall into two deciles: whichever of them does, the shares are the same.
with placed as (
    select
        customer_id,
        historic_revenue,
        ntile(10) over (order by historic_revenue desc, customer_id asc) as decile,
        as_of_date
    from {{ ref('customer_lifetime_value') }}
),

deciles as (
    select
        decile,
        count(*) as customer_count,
        cast(sum(historic_revenue) as decimal(18, 2)) as net_revenue,
        min(historic_revenue) as lowest_revenue,
        max(as_of_date) as as_of_date
    from placed
    group by decile
),

totals as (
    select
        deciles.*,
        cast(net_revenue as double precision) as revenue,
        sum(cast(net_revenue as double precision)) over () as total_revenue,
        sum(cast(net_revenue as double precision)) over (
            order by decile rows unbounded preceding
        ) as revenue_so_far,
        sum(customer_count) over () as total_count,
        sum(customer_count) over (order by decile rows unbounded preceding) as count_so_far
    from deciles
)

select
    decile,
    customer_count,
    net_revenue,
    lowest_revenue,
    revenue / nullif(total_revenue, 0) as revenue_share,
    revenue_so_far / nullif(total_revenue, 0) as cumulative_revenue_share,
    cast(count_so_far as double precision) / cast(total_count as double precision)
        as cumulative_customer_share,
    as_of_date
from totals
