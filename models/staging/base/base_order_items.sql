with landed as (
    {{ landed_rows('order_items') }}
),

orders as (
    select
        order_id,
        customer_id as order_customer_id,
        ordered_at,
        rate_to_reporting
    from {{ ref('stg_orders') }}
),

typed as (
    {{ typed_rows('order_items') }}
),

ordered as (
    select
        typed.*,
        orders.order_id as found_order_id,
        orders.order_customer_id,
        orders.ordered_at,
        orders.rate_to_reporting
    from typed
    left join orders on typed.order_id = orders.order_id
),

{{ judged_rows(
    'order_items', 'ordered', key=['order_id', 'line_number'], event_at='ordered_at',
    amount=line_amount('quantity', 'unit_price'),
    keep=['found_order_id', 'order_customer_id', 'ordered_at', 'rate_to_reporting'],
    checks=[
        ('bad_quantity', 'quantity <= 0', found('quantity', 'is not above 0')),
        ('bad_quantity',
            'returned_quantity < 0 or (returned_quantity > quantity and quantity > 0)',
            found('returned_quantity', 'is not between 0 and the quantity')),
        ('out_of_range', is_line_too_large('quantity', 'unit_price'),
            found('unit_price', 'times the quantity has over 16 digits before the point')),
        ('negative_amount', 'unit_price < 0', found('unit_price', 'is negative')),
        ('orphan_item', 'order_id is not null and found_order_id is null',
            found('order_id', 'is no accepted order')),
    ],
) }}

select * from judged
