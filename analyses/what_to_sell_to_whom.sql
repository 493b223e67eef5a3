-- What to sell to whom? Customers who are ready, with the next product, how likely they are to buy
-- it within 90 days, what that is worth, and how far the suggestion was right on past dates.
with backtests as (
    select
        avg(hit_rate_1) as hit_rate_1,
        avg(hit_rate_3) as hit_rate_3
    from {{ ref('score_backtests') }}
    where score = 'next_product_probability' and method = 'model' and decile is null
)

select
    readiness.customer_id,
    readiness.next_product_1,
    readiness.probability_1,
    readiness.lift_1,
    readiness.expected_value,
    readiness.next_product_2,
    readiness.next_product_3,
    backtests.hit_rate_1,
    backtests.hit_rate_3
from {{ ref('cross_sell_readiness') }} as readiness
cross join backtests
where readiness.is_ready and readiness.next_product_1 is not null
order by readiness.expected_value desc, readiness.customer_id asc
