-- RavenStack subscriptions -> subscriptions.
-- Money: US dollars a month (mrr_amount). Ids: the customer is the account. Time zone: days only.
-- Trials: every row with is_trial TRUE has an mrr_amount of 0 and never turns into a paid row of the
-- same id; a paid plan that follows is a row of its own. So the whole row is a trial: it keeps its
-- price of 0, and the trial ends when the row ends. A trial still open has lasted at least to the
-- last day that the export knows (the last day of use), which is taken as its end so far.
with last_day as (
    select max(usage_date) as usage_date
    from landing.ravenstack_feature_usage
)

select
    subscriptions.subscription_id,
    subscriptions.account_id as customer_id,
    subscriptions.start_date as started_at,
    subscriptions.mrr_amount as monthly_amount,
    subscriptions.plan_tier as plan,
    'USD' as currency,
    case
        when subscriptions.is_trial = 'TRUE'
            then coalesce(
                subscriptions.end_date, greatest(subscriptions.start_date, last_day.usage_date)
            )
    end as trial_ends_at,
    subscriptions.end_date as ended_at,
    subscriptions._file,
    subscriptions._line
from landing.ravenstack_subscriptions as subscriptions
cross join last_day
