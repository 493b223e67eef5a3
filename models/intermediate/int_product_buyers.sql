with buyers as (
    select
        product_id,
        customer_id,
        min(ordered_date) as first_bought_date
    from {{ ref('int_product_orders') }}
    group by product_id, customer_id
),

limits as (
    {{ thresholds(['repeat_purchase_days']) }}
),

repeaters as (
    select distinct
        buyers.product_id,
        buyers.customer_id
    from buyers
    cross join limits
    inner join {{ ref('int_purchase_days') }} as days
        on buyers.customer_id = days.customer_id
        and buyers.first_bought_date < days.purchase_date
    where
        {{ days_between('buyers.first_bought_date', 'days.purchase_date') }}
        <= limits.repeat_purchase_days
)

select
    buyers.product_id,
    buyers.customer_id,
    -- Null while the window is open, also for who came back: those who did not are not known yet.
    case
        when
            {{ days_between('buyers.first_bought_date', 'calendar.as_of_date') }}
            >= limits.repeat_purchase_days
            then repeaters.customer_id is not null
    end as is_repeat_90d,
    buyers.first_bought_date
from buyers
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
left join repeaters
    on buyers.product_id = repeaters.product_id
    and buyers.customer_id = repeaters.customer_id
