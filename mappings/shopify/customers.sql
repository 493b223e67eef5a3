-- Shopify's orders export -> customers: each buyer, as their latest order shows them.
-- Money: none. Ids: the email, trimmed and in lower case; without one, the phone number.
-- Time zone: none needed; the export does not say when an account was made.
with buyers as (
    select
        *,
        coalesce(lower(trim(email)), 'phone:' || trim(phone)) as customer_id
    from landing.orders_export
    where total is not null
)

select
    customer_id,
    email,
    "billing country" as country,
    "accepts marketing" as has_consent,
    _file,
    _line
from buyers
where customer_id is not null
qualify row_number() over (
    partition by customer_id
    order by
        -- DuckDB reads the offset with a colon only.
        try_cast(
            regexp_replace("created at", ' ([+-]\d{2})(\d{2})$', '\1:\2') as timestamptz
        ) desc nulls last,
        _file,
        _line
) = 1
