with {{ accepted_rows('products') }}

select
    product_id,
    name,
    category
from accepted
