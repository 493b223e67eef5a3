with standing as (
    select * from {{ ref('int_advocacy_standing') }}
),

loyalty as (
    select * from {{ ref('int_loyalty_scores') }}
),

limits as (
    {{ thresholds(['loyal_score']) }}
),

-- No tiebreaker: equal values must rank equally.
payers as (
    select
        customer_id,
        percent_rank() over (order by net_revenue + subscription_revenue) as value_percentile
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
),

referrals as (
    select
        referrer_id,
        count(*) as referral_count,
        count(case when is_converted then 1 end) as converted_referral_count,
        sum(revenue) as referred_revenue
    from {{ ref('referrals') }}
    where not is_self_referral
    group by referrer_id
),

joined as (
    select
        standing.*,
        loyalty.loyalty_score,
        loyalty.regularity_score,
        loyalty.tenure_score,
        loyalty.usage_score,
        loyalty.repurchase_score,
        -- Who never paid has no loyalty score, and is not loyal.
        coalesce(loyalty.loyalty_score >= limits.loyal_score, false) as is_loyal,
        standing.advocacy_tier = 'lover' as is_advocate
    from standing
    cross join limits
    left join loyalty on standing.customer_id = loyalty.customer_id
)

select
    joined.customer_id,
    joined.advocacy_tier,
    case
        when joined.is_loyal and joined.is_advocate then 'loyal_advocate'
        when joined.is_loyal then 'loyal_silent'
        when joined.is_advocate then 'disloyal_advocate'
        else 'neither'
    end as quadrant,
    joined.nps_class,
    asks.next_ask,
    asks.blocked_by as next_ask_blocked_by,
    joined.advocacy_score,
    joined.loyalty_score,
    joined.regularity_score,
    joined.tenure_score,
    joined.usage_score,
    joined.repurchase_score,
    payers.value_percentile,
    coalesce(referrals.referral_count, 0) as referral_count,
    coalesce(referrals.converted_referral_count, 0) as converted_referral_count,
    cast(coalesce(referrals.referred_revenue, 0) as decimal(18, 2)) as referred_revenue,
    joined.advocacy_act_count,
    joined.latest_nps_score,
    complaints.recovered_complaint_count,
    case when complaints.customer_id is null then false else complaints.has_open_complaint end
        as has_open_complaint,
    joined.last_deed_date,
    calendar.as_of_date
from joined
cross join {{ ref('stg_calendar') }} as calendar
inner join {{ ref('int_next_asks') }} as asks on joined.customer_id = asks.customer_id
left join payers on joined.customer_id = payers.customer_id
left join referrals on joined.customer_id = referrals.referrer_id
left join {{ ref('int_complaint_totals') }} as complaints
    on joined.customer_id = complaints.customer_id
