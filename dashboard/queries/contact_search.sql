-- One row per state of the customers that the search finds.
select
    state,
    count(*) as customer_count
from marts.customers
group by state
order by customer_count desc, state asc
