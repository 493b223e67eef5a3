with customers as (
    select
        pulse.customer_id,
        pulse.state,
        pulse.has_consent,
        standing.advocacy_tier,
        standing.nps_class,
        case when complaints.customer_id is null then false else complaints.has_open_complaint end
            as has_open_complaint
    from {{ ref('int_customer_pulse') }} as pulse
    inner join {{ ref('int_advocacy_standing') }} as standing
        on pulse.customer_id = standing.customer_id
    left join {{ ref('int_complaint_totals') }} as complaints
        on pulse.customer_id = complaints.customer_id
),

gates as (
    select
        customer_id,
        case
            when nps_class = 'detractor' then 'not_promoter'
            when advocacy_tier <> 'lover' and nps_class is null then 'opinion_unknown'
            when advocacy_tier <> 'lover' and nps_class <> 'promoter' then 'not_promoter'
            when state = 'lost' then 'lost'
            -- Unknown consent is no refusal.
            when not has_consent then 'consent_refused'
            -- A complaint that may be open is enough.
            when coalesce(has_open_complaint, true) then 'open_complaint'
        end as blocked_by
    from customers
),

done as (
    select
        customer_id,
        detail as ask
    from {{ ref('int_customer_activities') }}
    where activity = 'advocacy_act'
    union
    -- Whatever came of it: they were asked for the referral and made it.
    select
        referrer_id as customer_id,
        'referral' as ask
    from {{ ref('int_referrals') }}
    where not is_self_referral
),

open_asks as (
    select
        gates.customer_id,
        asks.ask,
        row_number() over (partition by gates.customer_id order by asks.ask_rank) as ask_number
    from gates
    cross join {{ ref('advocacy_asks') }} as asks
    left join done on gates.customer_id = done.customer_id and asks.ask = done.ask
    where gates.blocked_by is null and done.customer_id is null
)

select
    gates.customer_id,
    open_asks.ask as next_ask,
    case
        when gates.blocked_by is not null then gates.blocked_by
        when open_asks.ask is null then 'all_done'
    end as blocked_by
from gates
left join open_asks on gates.customer_id = open_asks.customer_id and open_asks.ask_number = 1
