-- Shopify's orders export -> products: each product sold, as it was called last.
-- Money: none. Ids: the SKU, or the name where there is none. Time zone: none needed.
select
    coalesce(nullif(trim("lineitem sku"), ''), "lineitem name") as product_id,
    "lineitem name" as name,
    _file,
    _line
from landing.orders_export
where "lineitem name" is not null
qualify row_number() over (
    partition by coalesce(nullif(trim("lineitem sku"), ''), "lineitem name")
    order by
        -- DuckDB reads the offset with a colon only.
        try_cast(
            regexp_replace("created at", ' ([+-]\d{2})(\d{2})$', '\1:\2') as timestamptz
        ) desc nulls last,
        _file,
        _line
) = 1
