with pulse as (
    select * from {{ ref('int_customer_pulse') }} where state <> 'lost'
),

activities as (
    select * from {{ ref('int_customer_activities') }} where input = 'tickets'
),

limits as (
    {{ thresholds([
        'declining_usage_trend', 'declining_window_days', 'dormant_after_days', 'dormant_gap_ratio',
        'lockout_failure_count', 'complaint_reply_days',
    ]) }}
),

handled_tickets as (
    select distinct source_id
    from activities
    where activity in ('ticket_replied', 'ticket_resolved')
),

complaints as (
    select
        activities.customer_id,
        min(activities.activity_date) as opened_date
    from activities
    left join handled_tickets on activities.source_id = handled_tickets.source_id
    where
        activities.activity = 'ticket_opened'
        and activities.detail = 'complaint'
        and handled_tickets.source_id is null
    group by activities.customer_id
),

declining as (
    select
        pulse.customer_id,
        'declining_usage' as warning,
        pulse.usage_trend as measure,
        limits.declining_usage_trend as threshold,
        pulse.last_login_date as first_date,
        -- The trend falls by half in every 56 / 3 days without a login.
        cast({{ dbt.dateadd(
            'day',
            'cast(floor(ln(pulse.usage_trend_at_login / limits.declining_usage_trend)'
            ~ ' / ln(2) * 56 / 3.0) as integer) + 1',
            'pulse.last_login_date',
        ) }} as date) as second_date
    from pulse
    cross join limits
    where
        pulse.first_paid_date is not null
        and pulse.usage_trend < limits.declining_usage_trend
        and {{ days_between('pulse.fourth_last_login_date', 'pulse.as_of_date') }}
        < limits.declining_window_days
),

silent as (
    select
        pulse.customer_id,
        'own_rhythm_silence' as warning,
        pulse.overdue_ratio as measure,
        limits.dormant_gap_ratio as threshold,
        cast({{ dbt.dateadd(
            'day', 'limits.dormant_after_days + 1', 'pulse.last_active_date'
        ) }} as date) as first_date,
        cast({{ dbt.dateadd(
            'day',
            'cast(floor(limits.dormant_gap_ratio * pulse.typical_gap_days) as integer) + 1',
            'pulse.last_active_date',
        ) }} as date) as second_date
    from pulse
    cross join limits
    where
        pulse.first_paid_date is not null
        and pulse.days_silent > limits.dormant_after_days
        and pulse.days_silent > limits.dormant_gap_ratio * pulse.typical_gap_days
),

warnings as (
    select * from declining
    union all
    select * from silent
    union all
    select
        problems.customer_id,
        'locked_out' as warning,
        cast(problems.failed_login_streak as double precision) as measure,
        cast(limits.lockout_failure_count as double precision) as threshold,
        {{ local_date('problems.locked_out_since') }} as first_date,
        {{ local_date('problems.locked_out_since') }} as second_date
    from {{ ref('login_problems') }} as problems
    cross join limits
    union all
    select
        pulse.customer_id,
        'complaint_unanswered' as warning,
        cast(
            {{ days_between('complaints.opened_date', 'pulse.as_of_date') }} as double precision
        ) as measure,
        cast(limits.complaint_reply_days as double precision) as threshold,
        complaints.opened_date as first_date,
        complaints.opened_date as second_date
    from complaints
    inner join pulse on complaints.customer_id = pulse.customer_id
    cross join limits
    where
        {{ days_between('complaints.opened_date', 'pulse.as_of_date') }}
        >= limits.complaint_reply_days
)

select
    warnings.customer_id,
    warnings.warning,
    pulse.state,
    warnings.measure,
    warnings.threshold,
    pulse.revenue_at_risk,
    case
        when warnings.first_date > warnings.second_date then warnings.first_date
        else warnings.second_date
    end as since_date,
    pulse.as_of_date
from warnings
inner join pulse on warnings.customer_id = pulse.customer_id
