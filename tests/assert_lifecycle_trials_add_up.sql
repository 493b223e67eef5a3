-- Who started has bought, declined or is undecided; everybody with a trial of a kind is counted in
-- one month, as having started it or as an existing customer.
with kinds as (
    select
        trial_kind,
        sum(started_count + existing_customer_count) as customer_count
    from {{ ref('trial_conversion') }}
    group by trial_kind
),

customers_with_trial as (
    select
        case activity
            when 'order_trial' then 'trial'
            when 'order_sample' then 'sample'
            when 'subscription_trial' then 'subscription'
        end as trial_kind,
        count(distinct customer_id) as customer_count
    from {{ ref('int_customer_activities') }}
    where
        activity in ('order_trial', 'order_sample', 'subscription_trial')
        and voided_date is null
    group by activity
)

select
    trial_kind,
    month,
    'parts of those who started' as problem
from {{ ref('trial_conversion') }}
where
    started_count <> bought_count + declined_count + undecided_count
    or started_count + existing_customer_count = 0
    or bought_in_window_count > bought_count
    or undecided_overdue_count > undecided_count
    or value_seen_count > started_count
    or bought_with_value_count > value_seen_count
    or bought_with_value_count > bought_in_window_count
    or bought_in_window_count - bought_with_value_count > started_count - value_seen_count
    or (started_count = 0) <> (conversion_rate is null)
    or (started_count = 0) <> (value_seen_rate is null)
    or (value_seen_count = 0) <> (conversion_rate_with_value is null)
    or (value_seen_count = started_count) <> (conversion_rate_without_value is null)
    or (bought_count = 0) <> (median_days_to_buy is null)
union all
select
    coalesce(kinds.trial_kind, customers_with_trial.trial_kind) as trial_kind,
    cast(null as date) as month,
    'customers of all months' as problem
from kinds
full outer join customers_with_trial on kinds.trial_kind = customers_with_trial.trial_kind
where coalesce(kinds.customer_count, 0) <> coalesce(customers_with_trial.customer_count, 0)
