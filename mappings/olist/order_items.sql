-- Olist order items -> order_items: a row of the source is one piece, so quantity is 1.
-- Money: Brazilian real, without freight. Ids: as given. Time zone: none needed.
select
    order_id,
    order_item_id as line_number,
    product_id,
    '1' as quantity,
    price as unit_price,
    _file,
    _line
from landing.olist_order_items_dataset
