{#- Products are counted before the period in which customers stay or leave: who stays buys more, so
    a count of today would show that more products keep customers even where they do not. -#}
with snapshots as (
    select * from {{ ref('int_customer_snapshots') }}
    where cutoff_number = 3 and product_count > 0 and not is_lost
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

counted as (
    select
        cast(least(snapshots.product_count, 5) as integer) as product_count,
        outcomes.is_churned
    from snapshots
    inner join {{ ref('int_snapshot_outcomes') }} as outcomes
        on
            snapshots.customer_id = outcomes.customer_id
            and snapshots.cutoff_number = outcomes.cutoff_number
),

totals as (
    select
        product_count,
        count(*) as customer_count,
        count(case when not is_churned then 1 end) as retained_count
    from counted
    group by product_count
)

select
    totals.product_count,
    totals.customer_count,
    totals.retained_count,
    {{ proportion('totals.retained_count', 'totals.customer_count') }} as retention_rate,
    {{ wilson_bound('totals.retained_count', 'totals.customer_count', '-') }}
        as retention_rate_low,
    {{ wilson_bound('totals.retained_count', 'totals.customer_count', '+') }}
        as retention_rate_high,
    totals.product_count = 5 as is_or_more,
    totals.customer_count >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from totals
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
