with revenue as (
    select * from {{ ref('int_revenue_months') }}
),

first_months as (
    select
        stream,
        customer_id,
        min(month) as first_month
    from revenue
    group by stream, customer_id
),

-- A month's revenue closes it and opens the next one.
sides as (
    select
        stream,
        customer_id,
        month,
        0 as opening,
        revenue as closing
    from revenue
    union all
    select
        stream,
        customer_id,
        cast({{ dbt.dateadd('month', 1, 'month') }} as date) as month,
        revenue as opening,
        0 as closing
    from revenue
),

balances as (
    select
        stream,
        customer_id,
        month,
        sum(opening) as opening,
        sum(closing) as closing
    from sides
    group by stream, customer_id, month
),

-- The month after the as-of date's is in no spine, so that nobody is churned in it.
known as (
    select
        balances.*,
        balances.closing - balances.opening as change_amount,
        balances.month = first_months.first_month as is_first,
        -- Orders of a month that is not over may still come; a subscription runs or does not.
        balances.stream = 'orders' and not months.is_complete as is_open,
        months.is_complete
    from balances
    inner join first_months
        on balances.stream = first_months.stream and balances.customer_id = first_months.customer_id
    inner join {{ ref('int_months') }} as months on balances.month = months.month
)

select
    known.stream,
    known.customer_id,
    known.month,
    case
        when known.is_first then 'new'
        when known.opening = 0 then 'reactivated'
        when known.is_open and known.change_amount < 0 then 'pending'
        when known.closing = 0 then 'churned'
        when known.change_amount > 0 then 'expansion'
        when known.change_amount < 0 then 'contraction'
        else 'unchanged'
    end as movement,
    cast(known.opening as decimal(18, 2)) as opening,
    cast(known.closing as decimal(18, 2)) as closing,
    cast(known.change_amount as decimal(18, 2)) as change_amount,
    known.is_complete,
    calendar.as_of_date
from known
cross join {{ ref('stg_calendar') }} as calendar
