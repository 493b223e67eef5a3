{#- The one play for each customer: the first by precedence of those that nothing stops. -#}
with pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

plays as (
    select * from {{ ref('plays') }}
),

limits as (
    {{ thresholds(['contact_window_days']) }}
),

-- Where nobody's consent is stated, consent is not kept in this data and unknown stops nothing.
consent_use as (
    select count(has_consent) as stated_count from pulse
),

customers as (
    select
        pulse.customer_id,
        pulse.revenue_at_risk,
        pulse.state,
        case
            when pulse.has_consent then 'given'
            when not pulse.has_consent then 'refused'
            when consent_use.stated_count = 0 then 'not_kept'
            else 'unknown'
        end as consent,
        -- One that may be open is enough.
        complaints.customer_id is not null and coalesce(complaints.has_open_complaint, true)
            as has_open_complaint,
        pulse.as_of_date
    from pulse
    cross join consent_use
    left join {{ ref('int_complaint_totals') }} as complaints
        on pulse.customer_id = complaints.customer_id
),

last_purposes as (
    select
        customer_id,
        purpose,
        max(case when not is_control then touched_date end) as last_contact_date,
        max(case when is_control then touched_date end) as last_withheld_date
    from {{ ref('int_touches') }}
    where direction = 'outbound' or is_control
    group by customer_id, purpose
),

judged as (
    select
        signs.customer_id,
        signs.reason,
        plays.play,
        plays.precedence,
        plays.channel,
        plays.needs_consent,
        case
            when plays.needs_consent and customers.consent in ('refused', 'unknown')
                then 'consent'
            when plays.is_pitch and customers.has_open_complaint then 'complaint'
            when
                {{ days_between('last_purposes.last_contact_date', 'customers.as_of_date') }}
                <= plays.rest_days
                then 'rest'
            -- A contact would spoil what the control is for.
            when
                {{ days_between('last_purposes.last_withheld_date', 'customers.as_of_date') }}
                <= limits.contact_window_days
                then 'rest'
        end as stopped_by
    from {{ ref('int_action_signs') }} as signs
    inner join plays on signs.sign = plays.sign
    inner join customers on signs.customer_id = customers.customer_id
    cross join limits
    left join last_purposes
        on signs.customer_id = last_purposes.customer_id
        and plays.purpose = last_purposes.purpose
),

ranked as (
    select
        judged.*,
        row_number() over (
            partition by customer_id
            order by
                case when stopped_by is null then 0 else 1 end, precedence, play
        ) as place
    from judged
)

select
    customers.customer_id,
    customers.consent,
    customers.revenue_at_risk,
    customers.state,
    case when ranked.stopped_by is null then ranked.play end as play,
    case when ranked.stopped_by is null then ranked.precedence end as precedence,
    case when ranked.stopped_by is null then ranked.channel end as play_channel,
    coalesce(ranked.needs_consent, false) as is_marketing,
    case
        when ranked.stopped_by = 'consent' then
            case when customers.consent = 'refused' then 'Consent refused' else 'No consent' end
            || '; otherwise: ' || ranked.play
        when ranked.stopped_by = 'complaint' then 'A complaint may be open'
        when ranked.stopped_by = 'rest' then 'Contacted not long ago; next: ' || ranked.play
        when ranked.play is null and customers.state = 'prospect' then 'Has not bought yet'
        when ranked.play is null then 'Nothing is due'
        else ranked.reason
    end as reason,
    customers.as_of_date
from customers
left join ranked on customers.customer_id = ranked.customer_id and ranked.place = 1
