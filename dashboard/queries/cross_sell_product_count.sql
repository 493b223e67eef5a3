-- One row per number of products owned; the rate is null where too few.
select
    cast(product_count as varchar) || case when is_or_more then ' or more' else '' end as products,
    customer_count,
    retained_count,
    case when is_sufficient then retention_rate end as retention_rate,
    case when is_sufficient then retention_rate_low end as retention_low,
    case when is_sufficient then retention_rate_high end as retention_high
from marts.product_count_retention
order by product_count
