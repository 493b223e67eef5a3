-- The marts count the same converted referrals as the loyalty ladder (int_converted_referrals), and
-- today's deeds are those and the advocacy acts.
with ladder as (
    select
        customers.customer_id,
        coalesce(totals.advocacy_act_count, 0) as act_count,
        coalesce(ladder.converted_referral_count, 0) as converted_count
    from {{ ref('int_customers') }} as customers
    left join {{ ref('int_customer_totals') }} as totals
        on customers.customer_id = totals.customer_id
    left join {{ ref('int_converted_referrals') }} as ladder
        on customers.customer_id = ladder.customer_id
),

deeds as (
    select
        customer_id,
        count(*) as deed_count
    from {{ ref('int_advocacy_deeds') }}
    where known_until = cast('9999-12-31' as date)
    group by customer_id
)

select
    ladder.customer_id,
    ladder.converted_count,
    advocacy.converted_referral_count,
    sources.converted_count as converted_count_of_source,
    ladder.act_count,
    advocacy.advocacy_act_count,
    deeds.deed_count
from ladder
left join {{ ref('customer_advocacy') }} as advocacy
    on ladder.customer_id = advocacy.customer_id
left join {{ ref('referral_sources') }} as sources
    on ladder.customer_id = sources.referrer_id
left join deeds on ladder.customer_id = deeds.customer_id
where
    ladder.converted_count <> coalesce(advocacy.converted_referral_count, -1)
    or ladder.converted_count <> coalesce(sources.converted_count, 0)
    or ladder.act_count <> coalesce(advocacy.advocacy_act_count, -1)
    or ladder.converted_count + ladder.act_count <> coalesce(deeds.deed_count, 0)
