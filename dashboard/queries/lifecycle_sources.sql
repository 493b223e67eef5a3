-- One row per entry source.
select
    entry_source,
    sum(customer_count) as customer_count,
    sum(sum(customer_count)) over () as all_customer_count,
    sum(buy_count) as buyer_count,
    sum(buy_count) * 1.0 / sum(customer_count) as buy_rate,
    sum(repeat_count) * 1.0 / sum(customer_count) as repeat_rate,
    sum(refer_count) * 1.0 / sum(customer_count) as refer_rate,
    sum(total_revenue) / sum(customer_count) as revenue_per_customer,
    case when sum(buy_count) > 0 then sum(acquisition_cost) / sum(buy_count) end as cost_per_buyer
from marts.entry_sources
group by entry_source
having sum(customer_count) > 0
order by sum(customer_count) desc, entry_source
limit 12
