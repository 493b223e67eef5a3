-- One row per product that is somebody's first suggestion, the 15 most frequent.
with named as (
    select
        product_id,
        name
    from marts.product_quality
)

select
    coalesce(max(named.name), readiness.next_product_1) as product,
    count(*) as customer_count,
    sum(case when readiness.is_ready then 1 else 0 end) as ready_count,
    avg(readiness.probability_1) as mean_probability,
    avg(readiness.lift_1) as mean_lift,
    sum(case when readiness.is_ready then readiness.expected_value end) as ready_expected_value
from marts.cross_sell_readiness as readiness
left join named on readiness.next_product_1 = named.product_id
where readiness.next_product_1 is not null
group by readiness.next_product_1
order by customer_count desc, readiness.next_product_1 asc
limit 15
