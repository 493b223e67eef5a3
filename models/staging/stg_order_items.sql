with {{ accepted_rows('order_items') }},

orders as (
    select * from {{ ref('stg_orders') }}
)

select
    accepted.order_id,
    accepted.line_number,
    orders.customer_id,
    accepted.product_id,
    accepted.quantity,
    -- Null where the source says nothing of returns.
    accepted.returned_quantity,
    {{ to_reporting('accepted.accounted_amount', 'accepted.rate_to_reporting') }} as amount,
    orders.is_payable,
    orders.is_fully_refunded,
    orders.ordered_at,
    orders.refunded_at
from accepted
inner join orders on accepted.order_id = orders.order_id
