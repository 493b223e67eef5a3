-- To the cent: what converted referrals brought is what the customers whom they won have paid in
-- all, each counted once; sources and customers divide it among themselves.
with referrals as (
    select * from {{ ref('referrals') }}
),

by_referrer as (
    select
        referrer_id,
        sum(revenue) as revenue,
        count(case when not is_self_referral then 1 end) as referral_count,
        count(case when is_converted then 1 end) as converted_count
    from referrals
    group by referrer_id
),

by_customer as (
    select
        advocacy.customer_id,
        by_referrer.referrer_id,
        sources.referrer_id as source_id,
        coalesce(by_referrer.revenue, 0) as revenue,
        coalesce(sources.revenue, 0) as source_revenue,
        coalesce(advocacy.referred_revenue, 0) as customer_revenue,
        coalesce(by_referrer.referral_count, 0) as referral_count,
        coalesce(sources.sent_count, 0) as source_count,
        coalesce(advocacy.referral_count, 0) as customer_count
    from by_referrer
    full outer join {{ ref('referral_sources') }} as sources
        on by_referrer.referrer_id = sources.referrer_id
    full outer join {{ ref('customer_advocacy') }} as advocacy
        on by_referrer.referrer_id = advocacy.customer_id
),

payments as (
    select
        customer_id,
        sum(amount) as revenue,
        min(case when amount > 0 then activity_date end) as first_paid_date
    from {{ ref('int_customer_activities') }}
    where
        activity in ('order_paid', 'order_refunded', 'subscription_month')
        and voided_date is null
    group by customer_id
)

select
    coalesce(customer_id, referrer_id, source_id) as place,
    'a source or a customer' as problem
from by_customer
where
    customer_id is null
    or (referrer_id is null) <> (source_id is null)
    or revenue <> source_revenue
    or revenue <> customer_revenue
    or referral_count <> source_count
    or referral_count <> customer_count
union all
select
    referrals.referral_id as place,
    'a referral' as problem
from referrals
left join payments on referrals.referred_customer_id = payments.customer_id
where
    (not referrals.is_converted and referrals.revenue <> 0)
    or (
        referrals.is_converted
        and (
            payments.customer_id is null
            or referrals.revenue <> payments.revenue
            or referrals.converted_date <> payments.first_paid_date
            or referrals.converted_date < referrals.referred_date
        )
    )
union all
select
    referred_customer_id as place,
    'won twice' as problem
from referrals
where is_converted
group by referred_customer_id
having count(*) > 1
