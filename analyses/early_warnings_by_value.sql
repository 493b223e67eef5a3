-- Which customers show signs of leaving while the most money is at stake? One row per customer with
-- a warning, those with the most revenue at risk first.
select
    customer_id,
    max(state) as state,
    max(revenue_at_risk) as revenue_at_risk,
    count(*) as warning_count,
    max(case when warning = 'locked_out' then measure end) as failed_login_streak,
    max(case when warning = 'complaint_unanswered' then measure end) as days_without_answer,
    max(case when warning = 'declining_usage' then measure end) as usage_trend,
    max(case when warning = 'own_rhythm_silence' then measure end) as overdue_ratio,
    min(since_date) as first_warning_date
from {{ ref('early_warnings') }}
group by customer_id
order by revenue_at_risk desc, warning_count desc, customer_id asc
