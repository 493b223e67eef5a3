{#- The first trial of a kind tells whether trying it led to buying. What is known today. -#}
with limits as (
    {{ thresholds(['trial_decision_days']) }}
),

trials as (
    select
        customer_id,
        case activity
            when 'order_trial' then 'trial'
            when 'order_sample' then 'sample'
            else 'subscription'
        end as trial_kind,
        source_id,
        activity_date as started_date,
        activity_at as started_at,
        row_number() over (
            partition by customer_id, activity
            order by activity_at, source_id
        ) as trial_number
    from {{ ref('int_customer_activities') }}
    where
        activity in ('order_trial', 'order_sample', 'subscription_trial')
        and voided_date is null
),

-- An order tries out on its own day; a subscription runs its trial to the end.
first_trials as (
    select
        trials.customer_id,
        trials.trial_kind,
        trials.started_date,
        trials.started_at,
        case
            when trials.trial_kind = 'subscription'
                then {{ local_date('subscriptions.trial_ends_at') }}
            else trials.started_date
        end as trial_end_date
    from trials
    left join {{ ref('stg_subscriptions') }} as subscriptions
        on trials.source_id = subscriptions.subscription_id
    where trials.trial_number = 1
),

payments as (
    select
        first_trials.*,
        cast({{ dbt.dateadd(
            'day', 'limits.trial_decision_days', 'first_trials.trial_end_date'
        ) }} as date) as window_end_date,
        coalesce(totals.first_paid_at < first_trials.started_at, false) as is_existing_customer,
        case
            when totals.first_paid_at >= first_trials.started_at then totals.first_paid_date
        end as bought_date
    from first_trials
    cross join limits
    left join {{ ref('int_customer_totals') }} as totals
        on first_trials.customer_id = totals.customer_id
),

refusals as (
    select distinct
        payments.customer_id,
        payments.trial_kind
    from payments
    inner join {{ ref('int_customer_activities') }} as activities
        on payments.customer_id = activities.customer_id
        and payments.started_at <= activities.activity_at
    where
        activities.voided_date is null
        and (
            (activities.activity = 'survey_answered' and activities.detail = 'exit')
            or (
                activities.activity = 'subscription_trial_ended'
                and payments.trial_kind = 'subscription'
            )
        )
),

value_rules as (
    select distinct activity, detail
    from {{ ref('onboarding_checklist') }}
    where is_value and min_distinct_days = 1
),

-- Value counts while the customer decides: until they buy, at most to the end of the trial (of the
-- window, for orders).
value_seen as (
    select distinct
        payments.customer_id,
        payments.trial_kind
    from payments
    inner join {{ ref('int_customer_activities') }} as activities
        on payments.customer_id = activities.customer_id
        and payments.started_date <= activities.activity_date
        and (payments.bought_date is null or activities.activity_date <= payments.bought_date)
        and activities.activity_date <= case
            when payments.trial_kind = 'subscription' then payments.trial_end_date
            else payments.window_end_date
        end
    inner join value_rules
        on activities.activity = value_rules.activity
        and (value_rules.detail is null or activities.detail = value_rules.detail)
    where activities.voided_date is null
)

select
    payments.customer_id,
    payments.trial_kind,
    case
        when payments.is_existing_customer then 'existing_customer'
        when payments.bought_date is not null then 'bought'
        when refusals.customer_id is not null then 'declined'
        else 'undecided'
    end as outcome,
    value_seen.customer_id is not null as is_value_seen,
    payments.started_date,
    payments.trial_end_date,
    payments.window_end_date,
    payments.bought_date,
    payments.started_at
from payments
left join refusals
    on payments.customer_id = refusals.customer_id and payments.trial_kind = refusals.trial_kind
left join value_seen
    on payments.customer_id = value_seen.customer_id
    and payments.trial_kind = value_seen.trial_kind
