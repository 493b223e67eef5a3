{#- One row per referrer. A referral is converted when the referred first paid on its day or later;
    where several people referred one customer, the first in time has the credit. -#}
with activities as (
    select * from {{ ref('int_customer_activities') }}
),

referrals as (
    select
        made.customer_id as referrer_id,
        referred.customer_id as referred_customer_id,
        made.activity_date as referred_date,
        row_number() over (
            partition by referred.customer_id order by made.activity_at, made.source_id
        ) as referral_number
    from activities as made
    inner join activities as referred
        on made.source_id = referred.source_id
        and made.activity = 'referral_made'
        and referred.activity = 'was_referred'
    -- Two ids of one person are no referral.
    where made.customer_id <> referred.customer_id
),

paid as (
    select
        customer_id,
        min(activity_date) as first_paid_date
    from activities
    where activity in ('order_paid', 'subscription_month') and voided_date is null
    group by customer_id
)

select
    referrals.referrer_id as customer_id,
    count(*) as converted_referral_count
from referrals
inner join paid
    on referrals.referred_customer_id = paid.customer_id
    and referrals.referred_date <= paid.first_paid_date
where referrals.referral_number = 1
group by referrals.referrer_id
