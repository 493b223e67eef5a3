with payments as (
    select
        customer_id,
        purchase_date as paid_date,
        net_revenue
    from {{ ref('int_purchase_days') }}
    union all
    select
        customer_id,
        activity_date as paid_date,
        amount as net_revenue
    from {{ ref('int_customer_activities') }}
    where activity = 'subscription_month' and voided_date is null
),

dated as (
    select
        payments.customer_id,
        payments.net_revenue,
        {{ days_between('payments.paid_date', 'calendar.as_of_date') }} as days_before
    from payments
    cross join {{ ref('stg_calendar') }} as calendar
),

payers as (
    select
        customer_id,
        count(case when days_before between 365 and 729 then 1 end) > 0 as paid_the_year_before,
        count(case when days_before < 365 then 1 end) > 0 as paid_last_year,
        sum(case when days_before < 365 then net_revenue else 0 end) as revenue_365d,
        max(days_before) as days_since_first_payment
    from dated
    group by customer_id
)

select
    count(case when paid_the_year_before then 1 end) as base_count,
    count(case when paid_the_year_before and paid_last_year then 1 end) as retained_count,
    cast(
        coalesce(
            sum(case when paid_the_year_before and paid_last_year then revenue_365d end), 0
        ) as decimal(18, 2)
    ) as retained_revenue,
    cast(
        greatest(0, least(365, coalesce(max(days_since_first_payment), 0) - 364)) as bigint
    ) as base_days
from payers
