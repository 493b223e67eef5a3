{#- Offers to customers who had bought, and whether they made use of what they had by then. -#}
with limits as (
    {{ thresholds(['adoption_window_days', 'adopted_feature_share', 'adopted_week_count']) }}
),

pitches as (
    select
        touches.customer_id,
        touches.touch_id,
        touches.touched_date
    from {{ ref('int_touches') }} as touches
    inner join {{ ref('int_customer_totals') }} as totals
        on touches.customer_id = totals.customer_id
        and touches.touched_at > totals.first_paid_at
    where
        touches.direction = 'outbound'
        and not touches.is_control
        and touches.purpose in ('promotion', 'cross_sell')
),

purchases as (
    select
        pitches.touch_id,
        count(distinct orders.activity_date) as purchase_day_count,
        max(orders.activity_date) as last_purchase_date
    from pitches
    inner join {{ ref('int_customer_activities') }} as orders
        on pitches.customer_id = orders.customer_id
    where orders.activity = 'order_paid' and {{ known_on('orders', 'pitches.touched_date') }}
    group by pitches.touch_id
),

moments as (
    select
        pitches.customer_id,
        pitches.touch_id as moment,
        pitches.touched_date as day,
        purchases.purchase_day_count,
        {{ days_between('purchases.last_purchase_date', 'pitches.touched_date') }}
            as days_since_purchase
    from pitches
    left join purchases on pitches.touch_id = purchases.touch_id
),

{{ adoption_ctes() }}

select
    customer_id,
    moment as touch_id,
    adoption_basis,
    is_adopted,
    day as pitched_date
from adoption
