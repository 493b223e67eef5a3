-- One row per value tier and readiness score.
select
    coalesce(customers.value_tier, 'no tier') as value_tier,
    cast(readiness.readiness_score as varchar) as readiness_score,
    count(*) as customer_count,
    sum(case when readiness.is_ready then 1 else 0 end) as ready_count
from marts.cross_sell_readiness as readiness
inner join marts.customers as customers on readiness.customer_id = customers.customer_id
group by customers.value_tier, readiness.readiness_score
order by
    case customers.value_tier
        when 'platinum' then 1
        when 'gold' then 2
        when 'silver' then 3
        when 'bronze' then 4
        else 5
    end,
    customers.value_tier,
    readiness.readiness_score
