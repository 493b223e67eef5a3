-- One row per rung of the loyalty ladder.
select
    loyalty_rung,
    count(*) as customer_count,
    count(*) * 1.0 / sum(count(*)) over () as customer_share
from marts.customer_lifecycle
group by loyalty_rung
order by
    case loyalty_rung
        when 'prospect' then 1
        when 'shopper' then 2
        when 'customer' then 3
        when 'member' then 4
        when 'advocate' then 5
        else 6
    end
