{#- Whole cohort months, so that what a cohort has reached is not that of the part of it that is
    still new. -#}
with limits as (
    {{ thresholds(['onboarding_peer_days']) }}
),

first_days as (
    select
        calendar.as_of_date,
        cast(
            {{ dbt.dateadd('day', '-limits.onboarding_peer_days', 'calendar.as_of_date') }} as date
        ) as first_new_date
    from {{ ref('stg_calendar') }} as calendar
    cross join limits
)

select
    totals.customer_id,
    cast({{ dbt.date_trunc('month', 'totals.first_paid_date') }} as date) as cohort_month,
    {{ days_between('totals.first_paid_date', 'first_days.as_of_date') }} as age_days,
    totals.first_paid_date >= first_days.first_new_date as is_new,
    totals.first_paid_date,
    totals.first_paid_at
from {{ ref('int_customer_totals') }} as totals
inner join first_days
    on totals.first_paid_date
        >= cast({{ dbt.date_trunc('month', 'first_days.first_new_date') }} as date)
