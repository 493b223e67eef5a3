-- RavenStack feature usage -> events.
-- Money: none. Ids: usage_id as given (some stand on several rows: staging sets those aside); the
-- customer is the account of the subscription. Time zone: days only.
with subscriptions as (
    select subscription_id, min(account_id) as account_id
    from landing.ravenstack_subscriptions
    group by subscription_id
)

select
    usage.usage_id as event_id,
    subscriptions.account_id as customer_id,
    usage.usage_date as occurred_at,
    usage.feature_name as feature,
    usage.usage_count as quantity,
    usage._file,
    usage._line
from landing.ravenstack_feature_usage as usage
left join subscriptions on subscriptions.subscription_id = usage.subscription_id
