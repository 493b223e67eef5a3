-- In which months did customers and revenue leave? Complete months of each stream, with the share
-- of the revenue that customers who had been away brought back.
select
    stream,
    month,
    opening,
    closing,
    logo_churn_rate,
    revenue_churn_rate,
    net_retention_rate,
    cast(reactivated as double precision)
    / cast(nullif(closing, 0) as double precision) as reactivated_share
from {{ ref('revenue_movements') }}
where segment = 'all' and is_complete
order by stream, month
