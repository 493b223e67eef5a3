-- One row per month and state of customers at its end.
select
    month,
    state,
    count(*) as customer_count,
    count(*) * 1.0 / sum(count(*)) over (partition by month) as customer_share
from marts.customer_months
group by month, state
order by month, state
