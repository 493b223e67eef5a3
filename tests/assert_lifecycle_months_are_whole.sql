-- Every customer who was ever seen has each month from the first to that of the as-of date, once;
-- who was never seen has none.
with expected as (
    select
        customer_id,
        as_of_date,
        case
            when first_seen_date is null then 0
            else {{ dbt.datediff('first_seen_date', 'as_of_date', 'month') }} + 1
        end as month_count
    from {{ ref('customers') }}
),

found as (
    select
        customer_id,
        count(*) as month_count,
        count(distinct month) as distinct_month_count,
        max(month) as last_month
    from {{ ref('customer_months') }}
    group by customer_id
)

select
    expected.customer_id as expected_customer_id,
    found.customer_id as found_customer_id,
    expected.month_count as expected_month_count,
    found.month_count as found_month_count
from expected
full outer join found on expected.customer_id = found.customer_id
where
    expected.customer_id is null
    or expected.month_count <> coalesce(found.month_count, 0)
    or found.month_count <> found.distinct_month_count
    or found.last_month <> cast({{ dbt.date_trunc('month', 'expected.as_of_date') }} as date)
