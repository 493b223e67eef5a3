{#- What came after each past cut-off date, as it was known at the end of the window: so the outcome
    of a past date never changes either. -#}
{%- set horizons = cutoff_calendar().backtests -%}
with snapshots as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.churn_basis,
        snapshots.cutoff_date,
        {%- for horizon in horizons %}
        cast({{ dbt.dateadd('day', horizon, 'snapshots.cutoff_date') }} as date)
            as end_{{ horizon }}d,
        {%- endfor %}
        calendar.as_of_date
    from {{ ref('int_snapshot_rhythm') }} as snapshots
    cross join {{ ref('stg_calendar') }} as calendar
    where {{ days_between('snapshots.cutoff_date', 'calendar.as_of_date') }} >= 90
),

orders as (
    select
        customer_id,
        amount,
        activity_date,
        voided_date,
        min(case when activity = 'order_paid' then activity_date end)
            over (partition by source_id) as purchase_date
    from {{ ref('int_customer_activities') }}
    where activity in ('order_paid', 'order_refunded')
),

{% for horizon in horizons -%}
bought_{{ horizon }}d as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        count(distinct orders.purchase_date) as purchase_days,
        sum(orders.amount) as net_revenue
    from snapshots
    inner join orders
        on
            snapshots.customer_id = orders.customer_id
            and {{ known_on('orders', 'snapshots.end_' ~ horizon ~ 'd') }}
    where
        orders.purchase_date > snapshots.cutoff_date
        and snapshots.end_{{ horizon }}d <= snapshots.as_of_date
    group by snapshots.customer_id, snapshots.cutoff_number
),

{% endfor -%}
entries as (
    select customer_id, login_date as day from {{ ref('int_customer_login_days') }}
    union all
    select
        customer_id,
        activity_date as day
    from {{ ref('int_customer_activities') }}
    where activity = 'subscription_month' and quantity = 1
),

entered as (
    select distinct
        snapshots.customer_id,
        snapshots.cutoff_number
    from snapshots
    inner join entries
        on
            snapshots.customer_id = entries.customer_id
            and entries.day > snapshots.cutoff_date
            and entries.day <= snapshots.end_90d
),

subscribed as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number
    from snapshots
    inner join {{ ref('int_customer_rhythm') }} as rhythm
        on
            snapshots.customer_id = rhythm.customer_id
            and snapshots.end_90d >= rhythm.known_from
            and snapshots.end_90d < rhythm.known_until
            and snapshots.end_90d >= rhythm.day
            and snapshots.end_90d < rhythm.next_day
    where rhythm.running_subscription_count > 0
),

joined as (
    select
        snapshots.*,
        {%- for horizon in horizons %}
        bought_{{ horizon }}d.purchase_days as purchase_days_{{ horizon }}d,
        bought_{{ horizon }}d.net_revenue as revenue_{{ horizon }}d,
        {%- endfor %}
        bought_90d.customer_id is not null or entered.customer_id is not null as is_active,
        subscribed.customer_id is not null as is_subscribed
    from snapshots
    {% for events in ['bought_90d', 'bought_365d', 'entered', 'subscribed'] -%}
    left join {{ events }}
        on snapshots.customer_id = {{ events }}.customer_id
        and snapshots.cutoff_number = {{ events }}.cutoff_number
    {% endfor %}
)

select
    customer_id,
    cutoff_number,
    churn_basis,
    {%- for horizon in horizons %}
    case when end_{{ horizon }}d <= as_of_date then coalesce(purchase_days_{{ horizon }}d, 0) end
        as purchase_days_next_{{ horizon }}d,
    cast(
        case when end_{{ horizon }}d <= as_of_date then coalesce(revenue_{{ horizon }}d, 0) end
        as decimal(18, 2)
    ) as revenue_next_{{ horizon }}d,
    {%- endfor %}
    is_active as is_active_next_90d,
    is_subscribed as is_subscribed_after_90d,
    case when churn_basis = 'contract' then not is_subscribed else not is_active end as is_churned,
    cutoff_date
from joined
