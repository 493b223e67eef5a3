{#- What is known today: orders refunded in full are gone. -#}
with activities as (
    select * from {{ ref('int_customer_activities') }} where voided_date is null
),

conversions as (
    select
        customer_id,
        converted_referral_count
    from {{ ref('int_converted_referrals') }}
),

totals as (
    select
        customer_id,
        count(case when activity = 'order_paid' then 1 end) as order_count,
        count(distinct case
            when activity = 'order_paid' then activity_date
        end) as purchase_day_count,
        count(distinct case
            when activity in ('order_paid', 'subscription_month') then activity_date
        end) as paid_day_count,
        coalesce(
            sum(case when activity in ('order_paid', 'order_refunded') then amount end), 0
        ) as net_revenue,
        coalesce(
            sum(case when activity = 'subscription_month' then amount end), 0
        ) as subscription_revenue,
        count(case when activity in ('login_success', 'login_failure') then 1 end) as login_count,
        count(case when activity = 'login_success' then 1 end) as successful_login_count,
        count(case when activity in ('touch_inbound', 'touch_outbound') then 1 end) as touch_count,
        count(case when activity = 'advocacy_act' then 1 end) as advocacy_act_count,
        sum(case
            when activity = 'subscription_month' and quantity = 1 then 1
            when activity = 'subscription_ended' then -1
            else 0
        end) as running_subscription_count,
        coalesce(sum(case
            when activity = 'subscription_month' and quantity = 1 then amount
            when activity = 'subscription_ended' then -amount
        end), 0) as monthly_recurring_revenue,
        min(case when activity = 'order_paid' then activity_date end) as first_order_date,
        max(case when activity = 'order_paid' then activity_date end) as last_order_date,
        min(case when activity in ('order_paid', 'subscription_month') then activity_date end)
            as first_paid_date,
        min(case when activity in ('order_paid', 'subscription_month') then activity_at end)
            as first_paid_at,
        min(case when activity = 'order_paid' then activity_at end) as first_order_at,
        max(case when activity = 'order_paid' then activity_at end) as last_order_at,
        max(case when activity = 'login_success' then activity_at end) as last_login_at
    from activities
    group by customer_id
)

select
    totals.*,
    -- Who ordered and subscribed at their first moment is told by the order.
    case
        when totals.first_order_at = totals.first_paid_at then 'order'
        when totals.first_paid_at is not null then 'subscription'
    end as first_payment,
    coalesce(conversions.converted_referral_count, 0) as converted_referral_count
from totals
left join conversions on totals.customer_id = conversions.customer_id
