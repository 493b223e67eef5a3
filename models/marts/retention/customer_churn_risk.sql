with snapshots as (
    select * from {{ ref('int_customer_snapshots') }} where is_as_of
),

pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

scores as (
    select * from {{ ref('int_churn_scores') }} where cutoff_number = 0
),

reasons as (
    select * from {{ ref('int_churn_reasons') }}
),

gate as (
    select * from {{ ref('int_churn_gate') }}
),

plays as (
    select * from {{ ref('int_recommended_plays') }}
),

orders as (
    select * from {{ ref('int_value_forecasts') }}
),

totals as (
    select * from {{ ref('int_customer_totals') }}
),

limits as (
    {{ thresholds(['watch_risk', 'high_risk', 'critical_risk']) }}
)

select
    snapshots.customer_id,
    snapshots.churn_basis,
    pulse.state,
    case
        when scores.churn_probability >= limits.critical_risk then 'critical'
        when scores.churn_probability >= limits.high_risk then 'high'
        when scores.churn_probability >= limits.watch_risk then 'watch'
        when scores.churn_probability is not null then 'low'
    end as risk_level,
    reasons.reason_1,
    reasons.reason_2,
    reasons.reason_3,
    plays.recommended_play,
    gate.unpredictable_reason,
    snapshots.days_silent,
    snapshots.typical_gap_days,
    snapshots.overdue_ratio,
    snapshots.usage_trend,
    snapshots.failed_login_streak,
    orders.order_probability_90d,
    scores.churn_probability as churn_probability_90d,
    pulse.revenue_at_risk,
    pulse.state = 'lost' as is_lost,
    scores.churn_probability is not null as is_predictable,
    pulse.as_of_date,
    totals.last_order_at,
    totals.last_login_at
from snapshots
inner join pulse on snapshots.customer_id = pulse.customer_id
inner join gate on snapshots.churn_basis = gate.churn_basis
cross join limits
left join scores on snapshots.customer_id = scores.customer_id
left join reasons on snapshots.customer_id = reasons.customer_id
left join plays on snapshots.customer_id = plays.customer_id
left join orders on snapshots.customer_id = orders.customer_id
left join totals on snapshots.customer_id = totals.customer_id
