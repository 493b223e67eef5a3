-- One row per step of a referral: invitations, and how far those invited came.
with counted as (
    select
        count(*) as sent_count,
        sum(case when referred_customer_id is not null then 1 else 0 end) as joined_count,
        sum(
            case when referred_customer_id is not null and is_first then 1 else 0 end
        ) as first_count,
        sum(case when is_converted then 1 else 0 end) as converted_count,
        sum(
            case
                when is_converted and referred_stage in ('repeat', 'refer') then 1
                else 0
            end
        ) as repeat_count
    from marts.referrals
    where
        not coalesce(is_self_referral, false)
        and not coalesce(is_cycle, false)
),

steps as (
    select
        1 as step_rank,
        'sent' as step,
        sent_count as referral_count,
        sent_count as before_count
    from counted
    union all
    select
        2 as step_rank,
        'joined' as step,
        joined_count as referral_count,
        sent_count as before_count
    from counted
    union all
    select
        3 as step_rank,
        'counted' as step,
        first_count as referral_count,
        joined_count as before_count
    from counted
    union all
    select
        4 as step_rank,
        'bought' as step,
        converted_count as referral_count,
        first_count as before_count
    from counted
    union all
    select
        5 as step_rank,
        'bought again' as step,
        repeat_count as referral_count,
        converted_count as before_count
    from counted
)

select
    step,
    referral_count,
    case
        when step_rank > 1 and before_count > 0 then referral_count * 1.0 / before_count
    end as step_rate
from steps
where (select counted.sent_count from counted) > 0
order by step_rank
