-- Olist orders -> orders.
-- Money: Brazilian real; the sum of the order's payments, vouchers and freight included, because the
-- source knows no tax and no discount. Ids: the customer is customer_unique_id (customer_id is
-- per order). Time zone: written without offset; set the var source_timezone to America/Sao_Paulo.
with payments as (
    select
        order_id,
        -- A value that is no number goes through as it is, for staging to set aside.
        coalesce(
            min(payment_value) filter (try_cast(payment_value as decimal(18, 2)) is null),
            sum(try_cast(payment_value as decimal(18, 2)))::varchar
        ) as amount
    from landing.olist_order_payments_dataset
    group by order_id
),

customers as (
    select customer_id, min(customer_unique_id) as customer_unique_id
    from landing.olist_customers_dataset
    group by customer_id
)

select
    orders.order_id,
    customers.customer_unique_id as customer_id,
    orders.order_purchase_timestamp as ordered_at,
    payments.amount,
    case orders.order_status
        when 'delivered' then 'fulfilled'
        when 'shipped' then 'fulfilled'
        when 'invoiced' then 'paid'
        when 'processing' then 'paid'
        when 'approved' then 'paid'
        when 'created' then 'placed'
        when 'canceled' then 'cancelled'
        when 'unavailable' then 'cancelled'
        else orders.order_status
    end as status,
    'BRL' as currency,
    orders.order_estimated_delivery_date as promised_at,
    orders.order_delivered_customer_date as delivered_at,
    orders._file,
    orders._line
from landing.olist_orders_dataset as orders
left join customers on customers.customer_id = orders.customer_id
left join payments on payments.order_id = orders.order_id
