with referrals as (
    select * from {{ ref('referrals') }}
),

-- Those whom they brought bring others; who comes back to them is no second generation.
second_generation as (
    select
        brought.referrer_id,
        count(*) as second_generation_count
    from referrals as brought
    inner join referrals as further
        on
            brought.referred_customer_id = further.referrer_id
            and brought.referrer_id <> further.referred_customer_id
    where brought.is_converted and further.is_converted
    group by brought.referrer_id
),

won as (
    select count(*) as converted_count
    from referrals
    where is_converted
),

payers as (
    select count(*) as payer_count
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
),

sources as (
    select
        referrer_id,
        count(case when not is_self_referral then 1 end) as sent_count,
        count(distinct case when not is_self_referral then referred_customer_id end)
            as joined_count,
        count(case when is_converted then 1 end) as converted_count,
        count(case when is_self_referral then 1 end) as self_referral_count,
        count(case when is_cycle then 1 end) as cycle_count,
        sum(revenue) as revenue,
        percentile_cont(0.5) within group (
            order by cast(days_to_convert as double precision)
        ) as median_days_to_convert,
        min(referred_date) as first_referral_date,
        max(referred_date) as last_referral_date
    from referrals
    group by referrer_id
)

select
    sources.referrer_id,
    sources.sent_count,
    sources.joined_count,
    sources.converted_count,
    coalesce(second_generation.second_generation_count, 0) as second_generation_count,
    sources.self_referral_count,
    sources.cycle_count,
    {{ proportion('sources.converted_count', 'sources.sent_count') }} as conversion_rate,
    cast(sources.revenue as decimal(18, 2)) as revenue,
    -- Invitations of this one customer times their conversion, which is the customers they won.
    cast(sources.converted_count as double precision) as viral_coefficient,
    {{ proportion('won.converted_count', 'payers.payer_count') }} as overall_viral_coefficient,
    sources.median_days_to_convert,
    sources.first_referral_date,
    sources.last_referral_date,
    calendar.as_of_date
from sources
cross join won
cross join payers
cross join {{ ref('stg_calendar') }} as calendar
left join second_generation on sources.referrer_id = second_generation.referrer_id
