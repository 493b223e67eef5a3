-- Why did the lost customers leave, to whom, and which of it can be won back? One row per reason
-- and competitor, the most valuable first.
select
    reason,
    coalesce(competitor, '(none named)') as competitor,
    count(*) as customer_count,
    count(*) / cast(sum(count(*)) over () as double precision) as share_of_lost,
    sum(past_value) as past_value,
    sum(case when is_winnable then past_value else 0 end) as winnable_value,
    count(case when is_winnable then 1 end) as winnable_count,
    count(priority) as to_call_count
from {{ ref('win_back_candidates') }}
group by reason, coalesce(competitor, '(none named)')
order by past_value desc, reason asc, competitor asc
