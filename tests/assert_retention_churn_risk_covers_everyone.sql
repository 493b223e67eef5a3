-- customer_churn_risk holds exactly the customers of the snapshot of the as-of date, says of them
-- what the pulse says, and predicts whole or not at all. Reasons have no gap and are no two the
-- same; whoever refused consent has no play that needs it.
with snapshots as (
    select * from {{ ref('int_customer_snapshots') }} where is_as_of
),

risk as (
    select * from {{ ref('customer_churn_risk') }}
)

select
    coalesce(snapshots.customer_id, risk.customer_id) as customer_id,
    'snapshot and risk are not the same' as problem
from snapshots
full outer join risk on snapshots.customer_id = risk.customer_id
where snapshots.customer_id is null or risk.customer_id is null
union all
select
    risk.customer_id,
    'differs from the pulse' as problem
from risk
left join {{ ref('int_customer_pulse') }} as pulse on risk.customer_id = pulse.customer_id
where
    pulse.customer_id is null
    or risk.as_of_date <> pulse.as_of_date
    or (risk.churn_basis = 'contract') <> pulse.is_subscribed
    {%- for column in [
        'state', 'days_silent', 'typical_gap_days', 'overdue_ratio', 'usage_trend',
        'failed_login_streak', 'revenue_at_risk',
    ] %}
    or (risk.{{ column }} is null) <> (pulse.{{ column }} is null)
    or risk.{{ column }} <> pulse.{{ column }}
    {%- endfor %}
union all
select
    customer_id,
    'prediction, level and reason do not agree' as problem
from risk
where
    is_predictable <> (unpredictable_reason is null)
    or is_predictable <> (churn_probability_90d is not null)
    or is_predictable <> (risk_level is not null)
    or (not is_predictable and reason_1 is not null)
    or churn_probability_90d < 0
    or churn_probability_90d > 1
    or (reason_1 is null and reason_2 is not null)
    or (reason_2 is null and reason_3 is not null)
    or reason_1 in (reason_2, reason_3)
    or reason_2 = reason_3
union all
select
    risk.customer_id,
    'play' as problem
from risk
inner join {{ ref('int_customer_pulse') }} as pulse on risk.customer_id = pulse.customer_id
inner join {{ ref('plays') }} as plays on risk.recommended_play = plays.play
where not pulse.has_consent and plays.needs_consent
union all
select
    problems.customer_id,
    'login problem without help' as problem
from {{ ref('login_problems') }} as problems
inner join risk on problems.customer_id = risk.customer_id
inner join {{ ref('plays') }} as help on help.sign = 'locked_out'
inner join {{ ref('int_ladder_signs') }} as signs
    on problems.customer_id = signs.customer_id and signs.sign = help.sign
left join {{ ref('plays') }} as plays on risk.recommended_play = plays.play
where plays.play is null or plays.precedence > help.precedence
