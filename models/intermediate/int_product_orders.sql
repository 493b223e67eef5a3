{#- What was sold, refunded orders included: how a product does shows in what became of its
    orders. -#}
with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['complaint_after_order_days']) }}
),

lines as (
    select
        items.order_id,
        items.product_id,
        ids.customer_id,
        sum(items.quantity) as quantity,
        -- Lines of which the source says whether anything came back.
        sum(case when items.returned_quantity is not null then items.quantity end)
            as checked_quantity,
        sum(items.returned_quantity) as returned_quantity,
        min(items.ordered_at) as ordered_at
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('int_customer_ids') }} as ids
        on items.customer_id = ids.source_customer_id
    cross join calendar
    where
        not ids.is_test
        and items.is_payable
        and {{ local_date('items.ordered_at') }} <= calendar.as_of_date
    group by items.order_id, items.product_id, ids.customer_id
),

dated as (
    select
        lines.*,
        {{ local_date('lines.ordered_at') }} as ordered_date
    from lines
),

refunds as (
    select orders.order_id
    from {{ ref('stg_orders') }} as orders
    cross join calendar
    where
        (orders.refund_amount > 0 or orders.is_fully_refunded)
        and {{ local_date('coalesce(orders.refunded_at, orders.ordered_at)') }}
        <= calendar.as_of_date
),

complained as (
    select distinct dated.order_id
    from dated
    inner join {{ ref('int_complaints') }} as complaints
        on dated.customer_id = complaints.customer_id
        and dated.ordered_at <= complaints.opened_at
    cross join limits
    where
        {{ days_between('dated.ordered_date', 'complaints.opened_date') }}
        <= limits.complaint_after_order_days
),

-- Where no ticket says of what kind it is, nobody can be seen complaining.
kinds as (
    select count(kind) as known_count from {{ ref('int_tickets') }}
)

select
    dated.order_id,
    dated.product_id,
    dated.customer_id,
    dated.quantity,
    dated.checked_quantity,
    dated.returned_quantity,
    refunds.order_id is not null as is_refunded,
    -- Null while more complaints may come.
    case
        when
            kinds.known_count > 0
            and {{ days_between('dated.ordered_date', 'calendar.as_of_date') }}
            >= limits.complaint_after_order_days
            then complained.order_id is not null
    end as is_complained_about,
    dated.ordered_date
from dated
cross join limits
cross join calendar
cross join kinds
left join refunds on dated.order_id = refunds.order_id
left join complained on dated.order_id = complained.order_id
