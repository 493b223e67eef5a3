with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['repeat_purchase_days', 'score_after_delivery_days']) }}
),

promises as (
    select
        orders.order_id,
        ids.customer_id,
        orders.status,
        orders.has_impossible_time,
        {{ local_date('orders.ordered_at') }} as ordered_date,
        {{ local_date('orders.promised_at') }} as promised_date,
        -- Who got all of the money back waits for no delivery.
        case
            when orders.is_fully_refunded
                then {{ local_date('coalesce(orders.refunded_at, orders.ordered_at)') }}
        end as settled_date,
        orders.ordered_at,
        orders.promised_at,
        -- What is dated after the as-of date did not happen yet.
        case
            when {{ local_date('orders.delivered_at') }} <= calendar.as_of_date
                then orders.delivered_at
        end as delivered_at,
        case
            when {{ local_date('orders.invoiced_at') }} <= calendar.as_of_date
                then orders.invoiced_at
        end as invoiced_at,
        orders.delivered_at is null as has_no_delivery,
        calendar.as_of_date
    from {{ ref('stg_orders') }} as orders
    inner join {{ ref('int_customer_ids') }} as ids
        on orders.customer_id = ids.source_customer_id
    cross join calendar
    where
        not ids.is_test
        and orders.promised_at is not null
        and {{ local_date('orders.ordered_at') }} <= calendar.as_of_date
),

-- Where no order at all has a delivery, deliveries are not kept in this data.
deliveries as (
    select count(delivered_at) as known_count from promises
),

followed as (
    select
        promises.*,
        case
            when promises.delivered_at is not null then true
            -- A time that cannot be, or fulfilled without a date: nobody knows when it came.
            when
                promises.has_no_delivery
                and (
                    promises.has_impossible_time
                    or promises.status = 'fulfilled'
                    or deliveries.known_count = 0
                )
                then cast(null as boolean)
            else false
        end as is_delivered,
        {{ local_date('promises.delivered_at') }} as delivered_date,
        {{ local_date('promises.invoiced_at') }} as invoiced_date,
        least(promises.as_of_date, coalesce(promises.settled_date, promises.as_of_date))
            as waited_until_date
    from promises
    cross join deliveries
),

judged as (
    select
        followed.*,
        case
            when is_delivered then {{ days_between('promised_date', 'delivered_date') }}
            -- Open and not due yet, cancelled, or refunded before it was due: nothing is late.
            when not is_delivered and status <> 'cancelled' and waited_until_date > promised_date
                then {{ days_between('promised_date', 'waited_until_date') }}
        end as days_late,
        case
            when is_delivered then invoiced_date < delivered_date
            when settled_date <= as_of_date then cast(null as boolean)
            when not is_delivered and status <> 'cancelled' and invoiced_date is not null then true
        end as is_invoiced_before_delivery
    from followed
),

repeats as (
    select distinct promises.order_id
    from promises
    cross join limits
    inner join {{ ref('int_purchase_days') }} as days
        on promises.customer_id = days.customer_id
        and promises.ordered_date < days.purchase_date
    where
        {{ days_between('promises.ordered_date', 'days.purchase_date') }}
        <= limits.repeat_purchase_days
),

scores as (
    select
        judged.order_id,
        answers.scaled_score,
        row_number() over (
            partition by judged.order_id order by answers.answered_at, answers.response_id
        ) as place
    from judged
    cross join limits
    inner join {{ ref('int_survey_answers') }} as answers
        on judged.customer_id = answers.customer_id
        and judged.delivered_at <= answers.answered_at
    where
        answers.survey in ('csat', 'nps')
        and answers.competitor is null
        and answers.scaled_score is not null
        and {{ days_between('judged.delivered_date', 'answers.answered_date') }}
        <= limits.score_after_delivery_days
)

select
    judged.order_id,
    judged.customer_id,
    judged.status,
    judged.days_late,
    scores.scaled_score as first_score_30d,
    judged.is_delivered,
    judged.days_late > 0 as is_late,
    judged.is_invoiced_before_delivery,
    case
        when judged.days_late > 0 or judged.is_invoiced_before_delivery then true
        when judged.is_delivered is not null then false
    end as is_red_flag,
    case
        when {{ days_between('judged.ordered_date', 'judged.as_of_date') }}
            >= limits.repeat_purchase_days
            then repeats.order_id is not null
    end as is_repeat_90d,
    judged.promised_date,
    judged.ordered_at,
    judged.promised_at,
    judged.delivered_at,
    judged.invoiced_at,
    judged.as_of_date
from judged
cross join limits
left join repeats on judged.order_id = repeats.order_id
left join scores on judged.order_id = scores.order_id and scores.place = 1
