-- One row per first gate that stops an offer; ready where none does.
select
    coalesce(blocked_by, 'ready') as stopped_by,
    count(*) as customer_count,
    count(*) * 1.0 / sum(count(*)) over () as customer_share,
    sum(expected_value) as expected_value
from marts.cross_sell_readiness
group by blocked_by
order by case when blocked_by is null then 0 else 1 end, customer_count desc, stopped_by asc
