-- Each customer is either asked for something or has a reason why not. Nobody is asked who has an
-- open complaint, refused consent, is lost, or is neither a promoter nor a lover; nobody is asked
-- again for what they did.
select
    advocacy.customer_id,
    advocacy.next_ask,
    advocacy.next_ask_blocked_by
from {{ ref('customer_advocacy') }} as advocacy
inner join {{ ref('int_customer_pulse') }} as pulse
    on advocacy.customer_id = pulse.customer_id
where
    (advocacy.next_ask is null) = (advocacy.next_ask_blocked_by is null)
    or (
        advocacy.next_ask is not null
        and (
            coalesce(advocacy.has_open_complaint, true)
            or not coalesce(pulse.has_consent, true)
            or pulse.state = 'lost'
            or (
                advocacy.advocacy_tier <> 'lover'
                and coalesce(advocacy.nps_class, 'unknown') <> 'promoter'
            )
            or (advocacy.next_ask = 'referral' and advocacy.referral_count > 0)
        )
    )
union all
select
    advocacy.customer_id,
    advocacy.next_ask,
    advocacy.next_ask_blocked_by
from {{ ref('customer_advocacy') }} as advocacy
inner join {{ ref('int_customer_activities') }} as acts
    on advocacy.customer_id = acts.customer_id and advocacy.next_ask = acts.detail
where acts.activity = 'advocacy_act'
union all
-- An open complaint by itself, whatever the columns say.
select
    advocacy.customer_id,
    advocacy.next_ask,
    advocacy.next_ask_blocked_by
from {{ ref('customer_advocacy') }} as advocacy
inner join {{ ref('int_complaints') }} as complaints
    on advocacy.customer_id = complaints.customer_id
where advocacy.next_ask is not null and not coalesce(complaints.is_resolved, false)
