-- Every limit that a model or the fit reads is a row of the seed thresholds, and every row is a
-- limit that one reads. A missing one is null, and no comparison with it is ever true.
{%- set names = [
    'adopted_feature_share', 'adopted_use_day_count', 'adopted_week_count', 'adoption_window_days',
    'advocacy_half_life_days', 'advocacy_scale', 'advocacy_window_days', 'affinity_pair_count',
    'affinity_prior_count', 'backtest_customer_count', 'best_habit_age_days', 'churn_event_count',
    'complaint_after_order_days', 'complaint_reply_days', 'contact_rest_days',
    'contact_window_days', 'costed_order_count', 'critical_risk', 'declining_usage_trend',
    'declining_window_days', 'detractor_score', 'dissatisfied_score', 'dormant_after_days',
    'dormant_gap_ratio', 'easy_score', 'follow_up_days', 'full_tenure_days', 'habit_cell_count',
    'habit_feature_days', 'high_risk', 'lockout_failure_count', 'lost_after_days', 'loyal_score',
    'minimum_sample_count', 'new_for_days', 'onboarding_peer_days', 'onboarding_peer_rate',
    'onboarding_state_days', 'own_rhythm_gap_count', 'pitch_rest_days', 'play_answer_days',
    'predictable_buyer_count', 'predictable_history_days', 'predictable_repeater_count',
    'promoter_score', 'reactivated_for_days', 'recovery_days', 'repeat_purchase_days',
    'repeated_question_days', 'satisfied_score', 'score_after_delivery_days', 'spend_buyer_count',
    'thank_after_days', 'trial_decision_days', 'unfiled_complaint_days', 'valuable_customer_share',
    'watch_risk', 'worse_fit_rate',
] %}
with names as (
    {% for name in names -%}
    select '{{ name }}' as threshold
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    coalesce(names.threshold, thresholds.threshold) as threshold,
    case when thresholds.threshold is null then 'missing' else 'unknown' end as problem
from names
full outer join {{ ref('thresholds') }} as thresholds on names.threshold = thresholds.threshold
where names.threshold is null or thresholds.threshold is null
