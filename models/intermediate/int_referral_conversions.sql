{#- What was known of a conversion changes when the order that made it is refunded in full: each
    period of knowledge has its own. -#}
with referrals as (
    select * from {{ ref('int_referrals') }} where is_first
),

periods as (
    select * from {{ ref('int_knowledge_periods') }}
),

paid as (
    select
        referrals.referral_id,
        periods.known_from,
        periods.known_until,
        min(activities.activity_date) as first_paid_date
    from referrals
    inner join periods on referrals.referred_customer_id = periods.customer_id
    inner join {{ ref('int_customer_activities') }} as activities
        on {{ known_in_period('activities', 'periods') }}
    where activities.activity in ('order_paid', 'subscription_month')
    group by referrals.referral_id, periods.known_from, periods.known_until
)

select
    referrals.referral_id,
    referrals.referrer_id,
    referrals.referred_customer_id,
    paid.first_paid_date as converted_date,
    paid.known_from,
    paid.known_until
from paid
inner join referrals on paid.referral_id = referrals.referral_id
-- Who paid before was a customer already.
where referrals.referred_date <= paid.first_paid_date
