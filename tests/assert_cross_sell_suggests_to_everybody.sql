-- Whoever owns something is suggested as many products as there are with a rate that they do not
-- own, three at most, by either method.
with products as (
    select
        cutoff_number,
        count(*) as rated_count
    from {{ ref('int_product_rates') }}
    where base_rate_90d is not null
    group by cutoff_number
),

owners as (
    select
        periods.customer_id,
        snapshots.cutoff_number,
        count(rates.product_id) as rated_count
    from {{ ref('int_owned_periods') }} as periods
    inner join {{ ref('int_snapshot_rhythm') }} as snapshots
        on
            periods.customer_id = snapshots.customer_id
            and snapshots.cutoff_number
            between periods.latest_cutoff_number and periods.oldest_cutoff_number
    left join {{ ref('int_product_rates') }} as rates
        on
            snapshots.cutoff_number = rates.cutoff_number
            and periods.product_id = rates.product_id
            and rates.base_rate_90d is not null
    group by periods.customer_id, snapshots.cutoff_number
),

suggested as (
    select
        customer_id,
        cutoff_number,
        count(case when method = 'model' then 1 end) as model_count,
        count(case when method = 'popularity' then 1 end) as popularity_count
    from {{ ref('int_next_products') }}
    group by customer_id, cutoff_number
),

expected as (
    select
        owners.customer_id,
        owners.cutoff_number,
        least(3, products.rated_count - owners.rated_count) as product_count
    from owners
    inner join products on owners.cutoff_number = products.cutoff_number
    where products.rated_count > owners.rated_count
)

select
    coalesce(expected.customer_id, suggested.customer_id) as customer_id,
    coalesce(expected.cutoff_number, suggested.cutoff_number) as cutoff_number,
    expected.product_count,
    suggested.model_count,
    suggested.popularity_count
from expected
full outer join suggested
    on
        expected.customer_id = suggested.customer_id
        and expected.cutoff_number = suggested.cutoff_number
where
    expected.customer_id is null
    or suggested.customer_id is null
    or expected.product_count <> suggested.model_count
    or expected.product_count <> suggested.popularity_count
