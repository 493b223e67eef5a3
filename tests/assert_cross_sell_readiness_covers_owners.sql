-- Everybody who has a paid order or a running paid subscription today stands once among those who
-- may be offered more, and nobody else. Who is ready is blocked by nothing and has passed all.
with owners as (
    select customer_id
    from {{ ref('int_customer_totals') }}
    where order_count > 0 or running_subscription_count > 0
),

readiness as (
    select
        customer_id,
        count(*) as row_count,
        count(case
            when
                is_ready <> (blocked_by is null)
                or is_ready <> (readiness_score = 100)
                or (has_open_complaint and coalesce(is_satisfied, true))
                or (adoption_basis is null) <> (is_adopted is null)
                then 1
        end) as contradiction_count
    from {{ ref('cross_sell_readiness') }}
    group by customer_id
)

select
    owners.customer_id as owner_id,
    readiness.customer_id,
    readiness.row_count,
    readiness.contradiction_count
from owners
full outer join readiness on owners.customer_id = readiness.customer_id
where
    owners.customer_id is null
    or readiness.customer_id is null
    or readiness.row_count <> 1
    or readiness.contradiction_count > 0
