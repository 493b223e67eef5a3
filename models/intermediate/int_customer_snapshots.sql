with snapshots as (
    select * from {{ ref('int_snapshot_rhythm') }}
),

purchases as (
    select * from {{ ref('int_snapshot_purchases') }}
),

usage as (
    select * from {{ ref('int_snapshot_usage') }}
),

signs as (
    select * from {{ ref('int_snapshot_signs') }}
),

answers as (
    select
        customer_id,
        scaled_score,
        answered_date,
        lead(answered_date) over (
            partition by customer_id order by answered_at, response_id
        ) as next_answered_date
    from {{ ref('int_survey_answers') }}
    where
        survey in ('nps', 'csat', 'ces')
        and competitor is null
        and scaled_score is not null
)

select
    snapshots.customer_id,
    snapshots.cutoff_number,
    snapshots.is_as_of,
    snapshots.churn_basis,
    snapshots.is_lost,
    snapshots.days_silent,
    snapshots.typical_gap_days,
    cast(snapshots.days_silent as double precision) / nullif(snapshots.typical_gap_days, 0)
        as overdue_ratio,
    snapshots.usage_trend,
    {{ days_between('snapshots.first_active_date', 'snapshots.cutoff_date') }} as tenure_days,
    coalesce(purchases.purchase_day_count, 0) as purchase_day_count,
    coalesce(usage.login_days_90d, 0) as login_days_90d,
    coalesce(usage.feature_days_90d, 0) as feature_days_90d,
    signs.failed_login_streak,
    signs.complaint_count_180d,
    signs.unresolved_ticket_count,
    answers.scaled_score as latest_score,
    signs.product_count,
    purchases.frequency,
    purchases.recency_days,
    purchases.age_days,
    purchases.days_since_purchase,
    purchases.mean_repeat_value,
    cast(coalesce(purchases.net_revenue, 0) as decimal(18, 2)) as net_revenue,
    coalesce(purchases.purchase_days_90d, 0) as purchase_days_90d,
    cast(coalesce(purchases.revenue_90d, 0) as decimal(18, 2)) as revenue_90d,
    coalesce(purchases.purchase_days_365d, 0) as purchase_days_365d,
    cast(coalesce(purchases.revenue_365d, 0) as decimal(18, 2)) as revenue_365d,
    snapshots.cutoff_date
from snapshots
inner join signs
    on snapshots.customer_id = signs.customer_id
    and snapshots.cutoff_number = signs.cutoff_number
left join purchases
    on snapshots.customer_id = purchases.customer_id
    and snapshots.cutoff_number = purchases.cutoff_number
left join usage
    on snapshots.customer_id = usage.customer_id
    and snapshots.cutoff_number = usage.cutoff_number
left join answers
    on
        snapshots.customer_id = answers.customer_id
        and snapshots.cutoff_date >= answers.answered_date
        and (
            answers.next_answered_date is null
            or answers.next_answered_date > snapshots.cutoff_date
        )
