-- Periods of owning that reach the as-of date are what is owned on it, and on each snapshot there
-- are as many as products were counted.
with owned as (
    select
        customer_id,
        product_id
    from {{ ref('int_owned_products') }}
),

periods as (
    select
        customer_id,
        product_id
    from {{ ref('int_owned_periods') }}
    where latest_cutoff_number = 0
),

snapshots as (
    select
        customer_id,
        cutoff_number,
        product_count
    from {{ ref('int_customer_snapshots') }}
),

counts as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.product_count,
        count(owned_then.product_id) as period_count
    from snapshots
    left join {{ ref('int_owned_periods') }} as owned_then
        on
            snapshots.customer_id = owned_then.customer_id
            and snapshots.cutoff_number
            between owned_then.latest_cutoff_number and owned_then.oldest_cutoff_number
    group by snapshots.customer_id, snapshots.cutoff_number, snapshots.product_count
)

select
    coalesce(owned.customer_id, periods.customer_id) as customer_id,
    coalesce(owned.product_id, periods.product_id) as what_differs
from owned
full outer join periods
    on owned.customer_id = periods.customer_id and owned.product_id = periods.product_id
where owned.customer_id is null or periods.customer_id is null
union all
select
    customer_id,
    'products on cut-off ' || cast(cutoff_number as {{ dbt.type_string() }}) as what_differs
from counts
where product_count <> period_count
