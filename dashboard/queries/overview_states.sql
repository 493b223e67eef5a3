-- One row per state of customers.
select
    state,
    count(*) as customer_count,
    count(*) * 1.0 / sum(count(*)) over () as customer_share
from marts.customer_lifecycle
group by state
order by
    case state
        when 'prospect' then 1
        when 'new' then 2
        when 'active' then 3
        when 'reactivated' then 4
        when 'declining' then 5
        when 'dormant' then 6
        else 7
    end
