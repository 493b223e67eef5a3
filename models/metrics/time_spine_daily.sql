with recursive bounds as (
    select
        cast(min(months.month) as date) as first_date,
        max(calendar.as_of_date) as last_date
    from {{ ref('int_months') }} as months
    cross join {{ ref('stg_calendar') }} as calendar
),

days as (
    select first_date as date_day
    from bounds
    where first_date is not null
    union all
    select cast({{ dbt.dateadd('day', 1, 'days.date_day') }} as date) as date_day
    from days
    inner join bounds on days.date_day < bounds.last_date
)

select date_day
from days
