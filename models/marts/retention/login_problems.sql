with streaks as (
    select * from {{ ref('int_login_streaks') }}
),

pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

limits as (
    {{ thresholds(['lockout_failure_count']) }}
)

select
    streaks.customer_id,
    pulse.state,
    streaks.method,
    streaks.failed_login_streak,
    {{ days_between('streaks.locked_out_date', 'pulse.as_of_date') }} as days_locked_out,
    pulse.monthly_recurring_revenue,
    pulse.revenue_at_risk,
    pulse.is_subscribed,
    pulse.has_consent,
    pulse.as_of_date,
    streaks.locked_out_since,
    streaks.last_failure_at,
    streaks.last_success_at
from streaks
inner join pulse on streaks.customer_id = pulse.customer_id
cross join limits
where streaks.failed_login_streak >= limits.lockout_failure_count
