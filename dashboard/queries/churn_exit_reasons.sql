-- One row per reason for which customers are lost now.
select
    reason,
    sum(customer_count) as customer_count,
    sum(customer_count) * 1.0 / sum(sum(customer_count)) over () as share_of_lost,
    sum(winnable_count) as winnable_count,
    sum(revenue_lost) as revenue_lost,
    sum(returned_count) as returned_count,
    sum(won_back_count) as won_back_count
from marts.exit_reasons
group by reason
having sum(customer_count) > 0
order by sum(customer_count) desc, reason
