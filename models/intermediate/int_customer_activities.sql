{#- The narrow waist: every input is one or more branches of this union, and marts read nothing else. -#}
with activities as (
    select
        'customers' as input, customer_id as source_id, customer_id, created_at as activity_at,
        'signup' as activity, entry_source as detail, cast(1 as decimal(24, 6)) as quantity,
        cast(null as decimal(18, 2)) as amount, cast(null as timestamp) as voided_at
    from {{ ref('stg_customers') }}
    union all
    select
        'orders', order_id, customer_id, ordered_at,
        case
            when kind = 'trial' and status <> 'cancelled' then 'order_trial'
            when kind = 'sample' and status <> 'cancelled' then 'order_sample'
            when is_payable and not (is_fully_refunded and refunded_at is null) then 'order_paid'
            else 'order_unpaid'
        end,
        channel, 1, amount,
        case when is_payable and is_fully_refunded then refunded_at end
    from {{ ref('stg_orders') }}
    union all
    select
        'orders', order_id, customer_id, coalesce(refunded_at, ordered_at), 'order_refunded',
        channel, 1, -refund_amount, case when is_fully_refunded then refunded_at end
    from {{ ref('stg_orders') }}
    where is_payable and refund_amount > 0 and not (is_fully_refunded and refunded_at is null)
    union all
    select
        'order_items', items.order_id || ':' || items.line_number, items.customer_id, items.ordered_at,
        'item_bought', items.product_id, items.quantity, items.amount,
        case when orders.is_fully_refunded then orders.refunded_at end
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('stg_orders') }} as orders on items.order_id = orders.order_id
    where orders.is_payable and not (orders.is_fully_refunded and orders.refunded_at is null)
    union all
    select
        'logins', login_id, customer_id, logged_in_at, 'login_' || outcome, method, 1, null, null
    from {{ ref('stg_logins') }}
    union all
    select 'surveys', response_id, customer_id, sent_at, 'survey_sent', survey, 1, null, null
    from {{ ref('stg_surveys') }}
    union all
    select 'surveys', response_id, customer_id, answered_at, 'survey_answered', survey, score, null, null
    from {{ ref('stg_surveys') }}
    where is_answered
    union all
    select
        'touches', touch_id, customer_id, touched_at,
        case
            when is_control then 'touch_withheld'
            when direction = 'inbound' then 'touch_inbound'
            else 'touch_outbound'
        end,
        purpose, 1, cost_amount, null
    from {{ ref('stg_touches') }}
    union all
    select 'touches', touch_id, customer_id, responded_at, 'touch_answered', purpose, 1, null, null
    from {{ ref('stg_touches') }}
    where responded_at is not null and not is_control
    union all
    select
        'touches', touch_id, customer_id, touched_at, 'content_viewed', channel, dwell_seconds, null, null
    from {{ ref('stg_touches') }}
    where purpose = 'content' and dwell_seconds > 0 and not is_control
    union all
    select 'events', event_id, customer_id, occurred_at, 'feature_used', feature, quantity, null, null
    from {{ ref('stg_events') }}
    union all
    select 'tickets', ticket_id, customer_id, opened_at, 'ticket_opened', kind, 1, null, null
    from {{ ref('stg_tickets') }}
    union all
    select
        'tickets', ticket_id, customer_id, resolved_at, 'ticket_resolved', kind, satisfaction_score, null, null
    from {{ ref('stg_tickets') }}
    where resolved_at is not null
    union all
    select 'referrals', referral_id, referrer_id, referred_at, 'referral_made', kind, 1, null, null
    from {{ ref('stg_referrals') }}
    union all
    select 'referrals', referral_id, referred_customer_id, referred_at, 'was_referred', kind, 1, null, null
    from {{ ref('stg_referrals') }}
    where referred_customer_id is not null
    union all
    select 'advocacy_acts', act_id, customer_id, acted_at, 'advocacy_act', act, 1, null, null
    from {{ ref('stg_advocacy_acts') }}
    union all
    select
        'subscriptions', subscription_id, customer_id, started_at, 'subscription_trial', plan, 1, null, null
    from {{ ref('stg_subscriptions') }}
    where trial_ends_at > started_at
    union all
    select
        'subscriptions', subscription_id, customer_id, month_at, 'subscription_month', plan,
        month_number, monthly_amount, null
    from {{ ref('int_subscription_months') }}
    union all
    select
        'subscriptions', subscription_id, customer_id, ended_at, 'subscription_ended', plan, 1,
        monthly_amount, null
    from {{ ref('stg_subscriptions') }}
    where monthly_amount > 0 and ended_at > paid_from_at
),

dated as (
    select
        activities.*,
        {{ local_date('activity_at') }} as activity_date,
        {{ local_date('voided_at') }} as voided_date
    from activities
    where activity_at is not null
)

select
    dated.input,
    dated.source_id,
    ids.customer_id,
    dated.activity,
    dated.detail,
    dated.quantity,
    dated.amount,
    dated.activity_date,
    -- From this day on the activity counts as undone: a paid order that was refunded in full.
    case when dated.voided_date <= calendar.as_of_date then dated.voided_date end as voided_date,
    dated.activity_at
from dated
inner join {{ ref('int_customer_ids') }} as ids on dated.customer_id = ids.source_customer_id
cross join {{ ref('stg_calendar') }} as calendar
where not ids.is_test and dated.activity_date <= calendar.as_of_date
