with numbered as (
    select
        days.*,
        row_number() over (
            partition by days.customer_id order by days.purchase_date
        ) as day_number
    from {{ ref('int_purchase_days') }} as days
),

summed as (
    select
        customer_id,
        cast(sum(order_count) as bigint) as order_count,
        cast(sum(costed_order_count) as bigint) as costed_order_count,
        count(*) - 1 as frequency,
        sum(net_revenue) as net_revenue,
        sum(costed_revenue) as costed_revenue,
        sum(cost_amount) as cost_amount,
        -- The first day is left out: it brought the customer here, and is mostly not like the rest.
        sum(case when day_number > 1 then net_revenue end) as repeat_revenue,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date
    from numbered
    group by customer_id
)

select
    summed.customer_id,
    summed.order_count,
    summed.costed_order_count,
    summed.frequency,
    {{ days_between('summed.first_purchase_date', 'summed.last_purchase_date') }} as recency_days,
    {{ days_between('summed.first_purchase_date', 'calendar.as_of_date') }} as age_days,
    cast(summed.net_revenue as decimal(18, 2)) as net_revenue,
    cast(summed.costed_revenue as decimal(18, 2)) as costed_revenue,
    cast(summed.cost_amount as decimal(18, 2)) as cost_amount,
    cast(summed.repeat_revenue as double precision)
    / cast(nullif(summed.frequency, 0) as double precision) as mean_repeat_value,
    summed.first_purchase_date,
    summed.last_purchase_date
from summed
cross join {{ ref('stg_calendar') }} as calendar
