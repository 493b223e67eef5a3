-- Shopify's orders export -> order_items: every line of the export that names a product.
-- Money: the order's currency, price of one before discounts of the order.
-- Ids: the order is its Name; lines are numbered in the order of the file; the product is its SKU,
-- or its name where it has none. Time zone: none needed.
select
    name as order_id,
    row_number() over (partition by _file, name order by _line) as line_number,
    coalesce(nullif(trim("lineitem sku"), ''), "lineitem name") as product_id,
    "lineitem quantity" as quantity,
    "lineitem price" as unit_price,
    _file,
    _line
from landing.orders_export
where "lineitem name" is not null
