{#- What the customers whom somebody brought paid in the 365 days up to each month's end, as known
    then. -#}
with months as (
    select * from {{ ref('int_months') }}
),

payments as (
    select * from {{ ref('int_customer_activities') }}
    where activity in ('order_paid', 'order_refunded', 'subscription_month')
)

select
    months.month,
    conversions.referrer_id,
    cast(sum(payments.amount) as decimal(18, 2)) as revenue
from {{ ref('int_referral_conversions') }} as conversions
inner join payments
    on
        conversions.referred_customer_id = payments.customer_id
        and conversions.converted_date <= payments.activity_date
inner join months
    on
        {{ known_on('payments', 'months.last_known_date') }}
        and conversions.known_from <= months.last_known_date
        and conversions.known_until > months.last_known_date
where {{ days_between('payments.activity_date', 'months.last_known_date') }} < 365
group by months.month, conversions.referrer_id
