-- Every paid order came through one reseller or directly: orders and revenue over all resellers are
-- those over all customers, to the cent, and every customer is somebody's.
with resellers as (
    select
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(customer_count), 0) as customer_count,
        count(
            case
                when
                    buyer_count > customer_count
                    or repeat_buyer_count > buyer_count
                    or kept_count > buyer_count
                    or order_count < buyer_count
                    or csat_response_count > customer_count
                    then 1
            end
        ) as contradicting_count
    from {{ ref('reseller_performance') }}
),

customers as (
    select
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(net_revenue), 0) as net_revenue,
        count(*) as customer_count
    from {{ ref('customers') }}
)

select
    resellers.order_count,
    customers.order_count as all_order_count,
    resellers.net_revenue,
    customers.net_revenue as all_net_revenue,
    resellers.customer_count,
    customers.customer_count as all_customer_count,
    resellers.contradicting_count
from resellers
cross join customers
where
    resellers.order_count <> customers.order_count
    or resellers.net_revenue <> customers.net_revenue
    -- A customer of several resellers counts at each.
    or resellers.customer_count < customers.customer_count
    or resellers.contradicting_count > 0
