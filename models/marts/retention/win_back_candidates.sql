with lost as (
    select * from {{ ref('int_lost_intervals') }} where until_date is null
),

pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

reasons as (
    select * from {{ ref('int_lost_reasons') }}
),

limits as (
    {{ thresholds(['contact_window_days']) }}
),

lockout_group as (
    select is_winnable from {{ ref('exit_reason_groups') }} where stated_reason = 'locked_out'
),

contacts as (
    select
        lost.customer_id,
        count(case
            when
                activities.activity = 'touch_outbound'
                and activities.detail = 'win_back'
                and activities.activity_date >= lost.lost_date
                then 1
        end) as win_back_contact_count,
        max(case when activities.activity = 'touch_outbound' then activities.activity_date end)
            as last_contact_date,
        -- Held out counts as well: a call would spoil what the control is for.
        max(case when activities.detail = 'win_back' then activities.activity_date end)
            as last_win_back_date
    from lost
    inner join {{ ref('int_customer_activities') }} as activities
        on lost.customer_id = activities.customer_id
    where activities.activity in ('touch_outbound', 'touch_withheld')
    group by lost.customer_id
),

candidates as (
    select
        lost.customer_id,
        case
            when reasons.reason is not null then reasons.reason
            when problems.customer_id is not null then 'locked_out'
            else 'not_stated'
        end as reason,
        case
            when reasons.reason is not null then reasons.reason_source
            when problems.customer_id is not null then 'login_problem'
            else 'none'
        end as reason_source,
        reasons.stated_reason,
        reasons.competitor,
        cast(totals.net_revenue + totals.subscription_revenue as decimal(18, 2)) as past_value,
        lost.duration_days as days_since_lost,
        coalesce(contacts.win_back_contact_count, 0) as win_back_contact_count,
        return_rates.return_rate as return_rate_90d,
        return_rates.sample_count as return_sample_count,
        case
            when reasons.reason is not null then reasons.is_winnable
            when problems.customer_id is not null then lockout_group.is_winnable
        end as is_winnable,
        pulse.has_consent,
        lost.lost_date,
        contacts.last_contact_date,
        contacts.last_win_back_date,
        pulse.as_of_date
    from lost
    inner join pulse on lost.customer_id = pulse.customer_id
    inner join {{ ref('int_customer_totals') }} as totals on lost.customer_id = totals.customer_id
    inner join {{ ref('int_return_rates') }} as return_rates
        on lost.duration_days = return_rates.day
    left join reasons on lost.customer_id = reasons.customer_id
    left join contacts on lost.customer_id = contacts.customer_id
    -- Failures that began after the loss are a way back that is barred, not why they left.
    left join {{ ref('login_problems') }} as problems
        on lost.customer_id = problems.customer_id
        and lost.duration_days <= problems.days_locked_out
    left join lockout_group on problems.customer_id is not null
),

judged as (
    select
        candidates.*,
        -- Unknown consent and unknown prospects are no refusal.
        coalesce(candidates.is_winnable, true)
        and coalesce(candidates.has_consent, true)
        and coalesce(
            {{ days_between('candidates.last_win_back_date', 'candidates.as_of_date') }}
            > limits.contact_window_days,
            true
        ) as is_callable
    from candidates
    cross join limits
)

select
    customer_id,
    reason,
    reason_source,
    stated_reason,
    competitor,
    past_value,
    days_since_lost,
    win_back_contact_count,
    return_rate_90d,
    return_sample_count,
    case
        when is_callable
            then row_number() over (
                partition by is_callable
                order by
                    cast(past_value as double precision) * coalesce(return_rate_90d, 0) desc,
                    past_value desc,
                    customer_id asc
            )
    end as priority,
    is_winnable,
    has_consent,
    lost_date,
    last_contact_date,
    as_of_date
from judged
