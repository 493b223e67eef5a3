-- One row per month that is over and part of the change in customers who order; lost ones negative.
with months as (
    select
        *,
        row_number() over (order by period_start desc) as recency_rank
    from marts.growth_accounting
    where
        period = 'month'
        and activity = 'order'
        and is_complete
),

parts as (
    select period_start, 'retained' as part, retained_count as customer_count from months
    where recency_rank <= 24
    union all
    select period_start, 'resurrected' as part, resurrected_count as customer_count from months
    where recency_rank <= 24
    union all
    select period_start, 'new' as part, new_count as customer_count from months
    where recency_rank <= 24
    union all
    select period_start, 'churned' as part, -churned_count as customer_count from months
    where recency_rank <= 24
)

select
    period_start as month,
    part,
    customer_count
from parts
order by period_start, part
