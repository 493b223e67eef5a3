-- The tenths hold every payer and every cent; the last of them reaches the whole.
with payers as (
    select
        count(*) as customer_count,
        coalesce(sum(historic_revenue), 0) as net_revenue
    from {{ ref('customer_lifetime_value') }}
),

tenths as (
    select
        coalesce(sum(customer_count), 0) as customer_count,
        coalesce(sum(net_revenue), 0) as net_revenue,
        max(cumulative_revenue_share) as revenue_share,
        max(cumulative_customer_share) as customer_share,
        max(customer_count) - min(customer_count) as size_difference
    from {{ ref('purchase_concentration') }}
)

select
    payers.customer_count,
    tenths.customer_count as customer_count_of_tenths,
    payers.net_revenue,
    tenths.net_revenue as net_revenue_of_tenths
from payers
cross join tenths
where
    payers.customer_count <> tenths.customer_count
    or payers.net_revenue <> tenths.net_revenue
    or abs(tenths.revenue_share - 1) > 1e-9
    or tenths.customer_share <> 1
    or tenths.size_difference > 1
