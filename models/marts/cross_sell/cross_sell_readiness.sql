with readiness as (
    select * from {{ ref('int_readiness') }} where cutoff_number = 0
),

next_products as (
    select * from {{ ref('int_next_products') }} where cutoff_number = 0 and method = 'model'
),

-- What a line of a paid order brings, before refunds.
prices as (
    select
        detail as product_id,
        avg(cast(amount as double precision)) as mean_amount
    from {{ ref('int_customer_activities') }}
    where activity = 'item_bought' and voided_date is null
    group by detail
),

offers as (
    select
        next_products.customer_id
        {%- for place in range(1, 4) %},
        max(case when next_products.rank = {{ place }} then next_products.product_id end)
            as next_product_{{ place }},
        max(case when next_products.rank = {{ place }} then next_products.probability end)
            as probability_{{ place }},
        max(case when next_products.rank = {{ place }} then next_products.lift end)
            as lift_{{ place }}
        {%- endfor %},
        max(case
            when next_products.rank = 1 then next_products.probability * prices.mean_amount
        end) as expected_value
    from next_products
    left join prices on next_products.product_id = prices.product_id
    group by next_products.customer_id
)

select
    readiness.customer_id,
    readiness.adoption_basis,
    readiness.blocked_by,
    offers.next_product_1,
    offers.next_product_2,
    offers.next_product_3,
    readiness.readiness_score,
    offers.probability_1,
    offers.probability_2,
    offers.probability_3,
    offers.lift_1,
    offers.lift_2,
    offers.lift_3,
    cast(offers.expected_value as decimal(18, 2)) as expected_value,
    readiness.is_adopted,
    readiness.is_satisfied,
    readiness.is_healthy,
    readiness.has_open_complaint,
    readiness.is_recently_pitched,
    readiness.is_ready,
    readiness.cutoff_date as as_of_date
from readiness
left join offers on readiness.customer_id = offers.customer_id
