with recursive subscriptions as (
    select
        subscription_id,
        customer_id,
        plan,
        monthly_amount,
        paid_from_at,
        ended_at
    from {{ ref('stg_subscriptions') }}
    where monthly_amount > 0 and (ended_at is null or ended_at > paid_from_at)
),

last_day as (
    -- A day more than the latest zone is ahead: the local day decides below.
    select
        as_of_date,
        {{ dbt.dateadd('day', 2, 'as_of_date') }} as day_after
    from {{ ref('stg_calendar') }}
),

longest as (
    select coalesce(max({{ dbt.datediff('paid_from_at', 'day_after', 'month') }}), 0) as month_count
    from subscriptions
    cross join last_day
),

months as (
    select 0 as elapsed_months
    union all
    select months.elapsed_months + 1
    from months
    inner join longest on months.elapsed_months < longest.month_count
),

-- The 31st renews on the last day of a shorter month.
renewals as (
    select
        subscriptions.*,
        months.elapsed_months + 1 as month_number,
        {{ dbt.dateadd(
            'month', 'months.elapsed_months', 'subscriptions.paid_from_at'
        ) }} as month_at
    from subscriptions
    cross join last_day
    inner join months
        on months.elapsed_months
            <= {{ dbt.datediff('subscriptions.paid_from_at', 'last_day.day_after', 'month') }}
)

select
    renewals.subscription_id,
    renewals.customer_id,
    renewals.plan,
    renewals.monthly_amount,
    renewals.month_number,
    cast(renewals.month_at as timestamp) as month_at
from renewals
cross join last_day
where
    {{ local_date('renewals.month_at') }} <= last_day.as_of_date
    and (renewals.ended_at is null or renewals.month_at < renewals.ended_at)
