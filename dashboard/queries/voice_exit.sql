-- One row per reason of leaving and competitor named.
select
    reason,
    competitor,
    customer_count,
    share_of_lost,
    winnable_count,
    revenue_lost
from marts.exit_reasons
order by
    sum(customer_count) over (partition by reason) desc,
    reason,
    customer_count desc,
    competitor asc
