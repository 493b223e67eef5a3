-- Olist customers -> customers: one row per person (customer_unique_id), the first in the file; the
-- source has a row for every order.
-- Money: none. Ids: customer_unique_id. Time zone: none needed.
select
    customer_unique_id as customer_id,
    'BR' as country,
    _file,
    _line
from landing.olist_customers_dataset
qualify row_number() over (partition by customer_unique_id order by _file, _line) = 1
