with referrals as (
    select * from {{ ref('int_referrals') }}
),

conversions as (
    select * from {{ ref('int_referral_conversions') }}
    where known_until = cast('9999-12-31' as date)
),

ancestors as (
    select * from {{ ref('int_referral_ancestors') }}
),

looped as (
    select customer_id from ancestors
    where customer_id = ancestor_id
),

upstream as (
    select
        ancestors.customer_id,
        count(*) as upstream_count,
        count(looped.customer_id) > 0 as is_endless
    from ancestors
    left join looped on ancestors.ancestor_id = looped.customer_id
    group by ancestors.customer_id
),

payments as (
    select
        customer_id,
        net_revenue + subscription_revenue as revenue
    from {{ ref('int_customer_totals') }}
),

joined as (
    select
        referrals.*,
        lifecycle.stage as referred_stage,
        upstream.upstream_count,
        coalesce(upstream.is_endless, false) as is_endless,
        ancestors.customer_id is not null and not referrals.is_self_referral as is_cycle,
        conversions.converted_date,
        -- The first payment is the conversion: all that the referred paid came from it on.
        case when conversions.converted_date is not null then payments.revenue else 0 end as revenue
    from referrals
    left join {{ ref('customer_lifecycle') }} as lifecycle
        on referrals.referred_customer_id = lifecycle.customer_id
    left join conversions on referrals.referral_id = conversions.referral_id
    left join payments on referrals.referred_customer_id = payments.customer_id
    left join upstream on referrals.referrer_id = upstream.customer_id
    left join ancestors
        on referrals.referrer_id = ancestors.customer_id
        and referrals.referred_customer_id = ancestors.ancestor_id
)

select
    joined.referral_id,
    joined.referrer_id,
    joined.referred_customer_id,
    joined.kind,
    joined.referred_stage,
    case
        when not (joined.is_self_referral or joined.is_cycle or joined.is_endless)
            then coalesce(joined.upstream_count, 0) + 1
    end as depth,
    cast({{ days_between('joined.referred_date', 'joined.converted_date') }} as bigint)
        as days_to_convert,
    cast(joined.revenue as decimal(18, 2)) as revenue,
    joined.is_self_referral,
    joined.is_cycle,
    joined.is_first,
    joined.converted_date is not null as is_converted,
    joined.referred_date,
    joined.converted_date,
    calendar.as_of_date,
    joined.referred_at
from joined
cross join {{ ref('stg_calendar') }} as calendar
