-- Pieces of all products are those sold of paid orders, those refunded since included; every listed
-- product is there; no part exceeds its whole; the rate of all lies within those of products.
with sold as (
    select coalesce(sum(items.quantity), 0) as quantity
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('int_customer_activities') }} as activities
        on items.order_id = activities.source_id and activities.input = 'orders'
    where
        items.is_payable
        and activities.activity in ('order_paid', 'order_unpaid')
),

quality as (
    select
        coalesce(sum(quantity), 0) as quantity,
        min(repeat_rate_90d) as lowest_rate,
        max(repeat_rate_90d) as highest_rate,
        max(all_repeat_rate_90d) as all_rate
    from {{ ref('product_quality') }}
)

select
    cast(null as {{ dbt.type_string() }}) as product_id,
    'pieces or rates of all' as problem
from quality
cross join sold
where
    abs(quality.quantity - cast(sold.quantity as double precision)) > 1e-6
    or quality.all_rate < quality.lowest_rate - 1e-12
    or quality.all_rate > quality.highest_rate + 1e-12
    or (quality.all_rate is null) <> (quality.lowest_rate is null)
union all
select
    products.product_id,
    'not there' as problem
from {{ ref('stg_products') }} as products
cross join {{ ref('stg_calendar') }} as calendar
left join {{ ref('product_quality') }} as quality on products.product_id = quality.product_id
where quality.product_id is null and calendar.as_of_date is not null
union all
select
    product_id,
    'more than the whole' as problem
from {{ ref('product_quality') }}
where
    returned_quantity > quantity
    or refunded_order_count > order_count
    or mature_buyer_count > buyer_count
    or buyer_count > order_count
    or (buyer_count > 0) <> (order_count > 0)
    or (order_count = 0) <> (refund_rate is null)
    or repeat_rate_90d < repeat_rate_low - 1e-12
    or repeat_rate_90d > repeat_rate_high + 1e-12
