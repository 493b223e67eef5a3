-- One row per product, the 15 with most buyers; a rate of fewer than 30 is null.
select
    coalesce(name, product_id) as product,
    category,
    buyer_count,
    order_count,
    case when quantity >= 30 then return_rate end as return_rate,
    case when order_count >= 30 then refund_rate end as refund_rate,
    case when order_count >= 30 then complaint_rate end as complaint_rate,
    case when is_sufficient then repeat_rate_90d end as repeat_rate,
    case when is_sufficient then repeat_rate_low end as repeat_rate_low,
    case when is_sufficient then repeat_rate_high end as repeat_rate_high,
    all_repeat_rate_90d as all_repeat_rate
from marts.product_quality
order by buyer_count desc, product_id asc
limit 15
