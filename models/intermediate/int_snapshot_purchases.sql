{#- What was known of purchases on each cut-off date. A refund lowers the day of its order, from the
    refund's day on. -#}
with snapshots as (
    select
        customer_id,
        cutoff_number,
        cutoff_date
    from {{ ref('int_snapshot_rhythm') }}
),

orders as (
    select
        customer_id,
        activity,
        amount,
        activity_date,
        voided_date,
        min(case when activity = 'order_paid' then activity_date end)
            over (partition by source_id) as purchase_date
    from {{ ref('int_customer_activities') }}
    where activity in ('order_paid', 'order_refunded')
),

days as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.cutoff_date,
        orders.purchase_date,
        sum(orders.amount) as net_revenue,
        min(orders.purchase_date)
            over (partition by snapshots.customer_id, snapshots.cutoff_number) as first_date
    from snapshots
    inner join orders
        on
            snapshots.customer_id = orders.customer_id
            and {{ known_on('orders', 'snapshots.cutoff_date') }}
    group by
        snapshots.customer_id, snapshots.cutoff_number, snapshots.cutoff_date, orders.purchase_date
),

measured as (
    select
        days.*,
        {{ days_between('purchase_date', 'cutoff_date') }} as days_ago
    from days
)

select
    customer_id,
    cutoff_number,
    count(*) as purchase_day_count,
    count(*) - 1 as frequency,
    {{ days_between('min(purchase_date)', 'max(purchase_date)') }} as recency_days,
    max(days_ago) as age_days,
    min(days_ago) as days_since_purchase,
    cast(
        sum(case when purchase_date > first_date then net_revenue end) as double precision
    ) / cast(nullif(count(*) - 1, 0) as double precision) as mean_repeat_value,
    cast(sum(net_revenue) as decimal(18, 2)) as net_revenue,
    {%- for window_days in cutoff_calendar().backtests %}
    count(case when days_ago < {{ window_days }} then 1 end) as purchase_days_{{ window_days }}d,
    cast(
        coalesce(sum(case when days_ago < {{ window_days }} then net_revenue end), 0)
        as decimal(18, 2)
    ) as revenue_{{ window_days }}d{{ ',' if not loop.last }}
    {%- endfor %}
from measured
group by customer_id, cutoff_number
