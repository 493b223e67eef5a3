-- The wide mart shows what customer_lifetime_value and customer_churn_risk say of each customer, to
-- the cent, and says it of nobody else.
with headlines as (
    select
        count(value_decile) as buyer_count,
        coalesce(sum(predicted_value_365d), 0) as predicted_value_365d,
        count(churn_probability_90d) as scored_count,
        count(recommended_play) as play_count,
        coalesce(sum(revenue_at_risk), 0) as revenue_at_risk
    from {{ ref('customers') }}
),

worth as (
    select
        count(*) as buyer_count,
        coalesce(sum(predicted_value_365d), 0) as predicted_value_365d
    from {{ ref('customer_lifetime_value') }}
),

risk as (
    select
        count(churn_probability_90d) as scored_count,
        count(recommended_play) as play_count,
        coalesce(sum(revenue_at_risk), 0) as revenue_at_risk
    from {{ ref('customer_churn_risk') }}
)

select
    headlines.buyer_count,
    headlines.predicted_value_365d,
    headlines.scored_count,
    headlines.play_count,
    headlines.revenue_at_risk
from headlines
cross join worth
cross join risk
where
    headlines.buyer_count <> worth.buyer_count
    or headlines.predicted_value_365d <> worth.predicted_value_365d
    or headlines.scored_count <> risk.scored_count
    or headlines.play_count <> risk.play_count
    or headlines.revenue_at_risk <> risk.revenue_at_risk
