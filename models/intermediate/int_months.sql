with recursive bounds as (
    select
        cast(
            {{ dbt.date_trunc('month', 'min(customers.first_seen_date)') }} as date
        ) as first_month,
        cast({{ dbt.date_trunc('month', 'max(calendar.as_of_date)') }} as date) as last_month
    from {{ ref('int_customers') }} as customers
    cross join {{ ref('stg_calendar') }} as calendar
),

months as (
    select first_month as month from bounds where first_month is not null
    union all
    select cast({{ dbt.dateadd('month', 1, 'months.month') }} as date) as month
    from months
    inner join bounds on months.month < bounds.last_month
)

select
    months.month,
    -- The last day of the month that is known: the as-of date in the last one.
    case
        when cast({{ dbt.last_day('months.month', 'month') }} as date) > calendar.as_of_date
            then calendar.as_of_date
        else cast({{ dbt.last_day('months.month', 'month') }} as date)
    end as last_known_date,
    cast({{ dbt.last_day('months.month', 'month') }} as date) <= calendar.as_of_date as is_complete
from months
cross join {{ ref('stg_calendar') }} as calendar
