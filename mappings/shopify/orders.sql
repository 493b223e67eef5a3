-- Shopify's orders export (orders_export.csv, or a folder orders_export/ of them) -> orders.
-- An order of several lines carries its totals on the first one: only that one is an order.
-- Money: the order's currency. amount = Total - Taxes: net of tax and discount, shipping included,
-- and right whether or not prices include tax. Refunds include their tax, so they are cut in the
-- same proportion; the export does not say when they were made.
-- Ids: Name (#1001), the only one on every line of an order. The customer is the email, trimmed and
-- in lower case, guests included; without one, the phone number.
-- Time zone: times carry their offset.
with orders as (
    select
        *,
        try_cast(total as decimal(18, 2)) as total_amount,
        try_cast(coalesce(taxes, '0') as decimal(18, 2)) as tax_amount,
        try_cast(coalesce("refunded amount", '0') as decimal(18, 2)) as refunded_amount
    from landing.orders_export
    where total is not null
)

select
    name as order_id,
    coalesce(lower(trim(email)), 'phone:' || trim(phone)) as customer_id,
    regexp_replace(
        "created at", '^(\S+) (\S+) ([+-]\d{2})(\d{2})$', '\1T\2\3:\4'
    ) as ordered_at,
    coalesce((total_amount - tax_amount)::varchar, total) as amount,
    case
        when "cancelled at" is not null then 'cancelled'
        when "financial status" = 'voided' then 'cancelled'
        when "financial status" = 'refunded' then 'refunded'
        when "fulfillment status" = 'fulfilled' then 'fulfilled'
        when "financial status" in ('paid', 'partially_refunded', 'partially_paid') then 'paid'
        when "financial status" in ('pending', 'authorized') then 'placed'
        else "financial status"
    end as status,
    case
        when refunded_amount is null then "refunded amount"
        when total_amount > 0
            then round(
                refunded_amount::decimal(14, 2)
                * ((total_amount - tax_amount)::double / total_amount::double),
                2
            )::decimal(18, 2)::varchar
        else refunded_amount::varchar
    end as refund_amount,
    currency,
    source as channel,
    _file,
    _line
from orders
