-- One row per kind of reason for which nothing is done.
select
    split_part(split_part(reason, ';', 1), ':', 1) as why_nothing,
    count(*) as customer_count,
    sum(revenue_at_risk) as revenue_at_risk
from marts.contact_plan
where action = 'nothing'
group by split_part(split_part(reason, ';', 1), ':', 1)
order by customer_count desc, why_nothing asc
limit 12
