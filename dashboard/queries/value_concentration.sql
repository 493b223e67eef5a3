-- One row per tenth of customers by revenue, and one for nobody, where the curve begins.
select
    decile,
    customer_count,
    net_revenue,
    revenue_share,
    cumulative_customer_share,
    cumulative_revenue_share
from marts.purchase_concentration
union all
select
    0 as decile,
    0 as customer_count,
    0 as net_revenue,
    0 as revenue_share,
    0 as cumulative_customer_share,
    0 as cumulative_revenue_share
from marts.purchase_concentration
where decile = 1
order by decile
