with {{ accepted_rows('order_items') }}

select
    order_id,
    line_number,
    order_customer_id as customer_id,
    product_id,
    quantity,
    coalesce(returned_quantity, 0) as returned_quantity,
    {{ to_reporting('accounted_amount') }} as amount,
    ordered_at
from accepted
