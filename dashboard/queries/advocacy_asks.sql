-- One row per next ask, or per reason why nothing is asked.
select
    case when next_ask is null then 'nothing is asked' else 'ask' end as decision,
    coalesce(next_ask, next_ask_blocked_by, 'all were asked') as what,
    count(*) as customer_count
from marts.customer_advocacy
group by next_ask, next_ask_blocked_by
order by customer_count desc, what asc
