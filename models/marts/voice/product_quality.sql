with products as (
    select * from {{ ref('stg_products') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }} where as_of_date is not null
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

sales as (
    select
        product_id,
        count(*) as order_count,
        sum(quantity) as quantity,
        sum(checked_quantity) as checked_quantity,
        sum(returned_quantity) as returned_quantity,
        count(case when is_refunded then 1 end) as refunded_order_count,
        count(is_complained_about) as mature_order_count,
        count(case when is_complained_about then 1 end) as complained_order_count
    from {{ ref('int_product_orders') }}
    group by product_id
),

buyers as (
    select
        product_id,
        count(*) as buyer_count,
        count(is_repeat_90d) as mature_buyer_count,
        count(case when is_repeat_90d then 1 end) as repeat_buyer_count
    from {{ ref('int_product_buyers') }}
    group by product_id
),

all_buyers as (
    select
        sum(mature_buyer_count) as mature_buyer_count,
        sum(repeat_buyer_count) as repeat_buyer_count
    from buyers
),

sold as (
    select
        sales.*,
        buyers.buyer_count,
        buyers.mature_buyer_count,
        buyers.repeat_buyer_count
    from sales
    inner join buyers on sales.product_id = buyers.product_id
),

-- Products that were never sold, and sold ones that the list of products lacks, are there as well.
listed as (
    select
        coalesce(products.product_id, sold.product_id) as product_id,
        products.name,
        products.category,
        coalesce(sold.buyer_count, 0) as buyer_count,
        coalesce(sold.order_count, 0) as order_count,
        coalesce(sold.quantity, 0) as quantity,
        sold.checked_quantity,
        case when sold.product_id is null then 0 else sold.returned_quantity end
            as returned_quantity,
        coalesce(sold.refunded_order_count, 0) as refunded_order_count,
        sold.mature_order_count,
        sold.complained_order_count,
        sold.mature_buyer_count,
        sold.repeat_buyer_count
    from products
    full outer join sold on products.product_id = sold.product_id
)

select
    listed.product_id,
    listed.name,
    listed.category,
    listed.buyer_count,
    listed.order_count,
    cast(listed.quantity as double precision) as quantity,
    cast(listed.returned_quantity as double precision) as returned_quantity,
    {{ proportion('listed.returned_quantity', 'listed.checked_quantity') }} as return_rate,
    listed.refunded_order_count,
    {{ proportion('listed.refunded_order_count', 'listed.order_count') }} as refund_rate,
    {{ proportion('listed.complained_order_count', 'listed.mature_order_count') }}
        as complaint_rate,
    coalesce(listed.mature_buyer_count, 0) as mature_buyer_count,
    {{ proportion('listed.repeat_buyer_count', 'listed.mature_buyer_count') }} as repeat_rate_90d,
    {{ wilson_bound('listed.repeat_buyer_count', 'listed.mature_buyer_count', '-') }}
        as repeat_rate_low,
    {{ wilson_bound('listed.repeat_buyer_count', 'listed.mature_buyer_count', '+') }}
        as repeat_rate_high,
    {{ proportion('all_buyers.repeat_buyer_count', 'all_buyers.mature_buyer_count') }}
        as all_repeat_rate_90d,
    coalesce(listed.mature_buyer_count, 0) >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from listed
cross join calendar
cross join limits
cross join all_buyers
