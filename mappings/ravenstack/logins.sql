-- RavenStack feature usage -> logins: a day of use implies a sign-in, so each row is also a login.
-- Money: none. Ids: usage_id as given (some stand on several rows: staging sets those aside); the
-- customer is the account of the subscription. Time zone: days only.
with subscriptions as (
    select subscription_id, min(account_id) as account_id
    from landing.ravenstack_subscriptions
    group by subscription_id
)

select
    usage.usage_id as login_id,
    subscriptions.account_id as customer_id,
    usage.usage_date as logged_in_at,
    'success' as outcome,
    usage._file,
    usage._line
from landing.ravenstack_feature_usage as usage
left join subscriptions on subscriptions.subscription_id = usage.subscription_id
