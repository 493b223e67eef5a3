{{ config(materialized='incremental', meta={'touched_by': 'int_touched_customers'}) }}
{#- The narrow waist: every input is one or more branches of this union, and marts read nothing
    else. -#}
{%- set was_paid -%}
    is_payable and not (is_fully_refunded and (refunded_at is null or refunded_at <= ordered_at))
{%- endset -%}
with activities as (
    {{ activity_rows(
        'customers', 'customer_id', "'signup'", at='created_at', detail='entry_source',
    ) }}
    union all
    {{ activity_rows(
        'orders', 'order_id', "case
            when kind = 'trial' and status <> 'cancelled' then 'order_trial'
            when kind = 'sample' and status <> 'cancelled' then 'order_sample'
            when " ~ was_paid ~ " then 'order_paid'
            else 'order_unpaid'
        end",
        at='ordered_at', detail='channel', amount='amount',
        voided_at='case when is_fully_refunded and ' ~ was_paid ~ ' then refunded_at end',
    ) }}
    union all
    {{ activity_rows(
        'orders', 'order_id', "'order_refunded'", at='coalesce(refunded_at, ordered_at)',
        detail='channel', amount='-refund_amount',
        voided_at='case when is_fully_refunded then refunded_at end',
        where='(refund_amount > 0 or is_fully_refunded) and ' ~ was_paid,
    ) }}
    union all
    {{ activity_rows(
        'order_items', "order_id || ':' || line_number", "'item_bought'", at='ordered_at',
        detail='product_id', quantity='quantity', amount='amount',
        voided_at='case when is_fully_refunded then refunded_at end',
        where=was_paid,
    ) }}
    union all
    {{ activity_rows(
        'logins', 'login_id', "'login_' || outcome", at='logged_in_at', detail='method',
    ) }}
    union all
    {{ activity_rows('surveys', 'response_id', "'survey_sent'", at='sent_at', detail='survey') }}
    union all
    {{ activity_rows(
        'surveys', 'response_id', "'survey_answered'", at='answered_at', detail='survey',
        quantity='score', where='is_answered',
    ) }}
    union all
    {{ activity_rows(
        'touches', 'touch_id', "case
            when is_control then 'touch_withheld'
            when direction = 'inbound' then 'touch_inbound'
            else 'touch_outbound'
        end",
        at='touched_at', detail='purpose', amount='cost_amount',
    ) }}
    union all
    {{ activity_rows(
        'touches', 'touch_id', "'touch_answered'", at='responded_at', detail='purpose',
        where='responded_at is not null and not is_control',
    ) }}
    union all
    {{ activity_rows(
        'touches', 'touch_id', "'content_viewed'", at='touched_at', detail='channel',
        quantity='dwell_seconds',
        where="purpose = 'content' and dwell_seconds > 0 and not is_control",
    ) }}
    union all
    {{ activity_rows(
        'events', 'event_id', "'feature_used'", at='occurred_at', detail='feature',
        quantity='quantity',
    ) }}
    union all
    {{ activity_rows('tickets', 'ticket_id', "'ticket_opened'", at='opened_at', detail='kind') }}
    union all
    {{ activity_rows(
        'tickets', 'ticket_id', "'ticket_replied'", at='first_replied_at', detail='kind',
    ) }}
    union all
    {{ activity_rows(
        'tickets', 'ticket_id', "'ticket_resolved'", at='resolved_at', detail='kind',
        quantity='satisfaction_score', where='resolved_at is not null',
    ) }}
    union all
    {{ activity_rows(
        'referrals', 'referral_id', "'referral_made'", at='referred_at', customer='referrer_id',
        detail='kind',
    ) }}
    union all
    {{ activity_rows(
        'referrals', 'referral_id', "'was_referred'", at='referred_at',
        customer='referred_customer_id', detail='kind', where='referred_customer_id is not null',
    ) }}
    union all
    {{ activity_rows('advocacy_acts', 'act_id', "'advocacy_act'", at='acted_at', detail='act') }}
    union all
    {{ activity_rows(
        'subscriptions', 'subscription_id', "'subscription_trial'", at='started_at', detail='plan',
        where='trial_ends_at > started_at',
    ) }}
    union all
    {{ activity_rows(
        'subscriptions', 'subscription_id', "'subscription_trial_ended'", at='ended_at',
        detail='plan',
        where='trial_ends_at > started_at and (ended_at <= paid_from_at or monthly_amount = 0)',
    ) }}
    union all
    {{ activity_rows(
        'subscriptions', 'subscription_id', "'subscription_month'", at='month_at', detail='plan',
        quantity='month_number', amount='monthly_amount', from='int_subscription_months',
    ) }}
    union all
    {{ activity_rows(
        'subscriptions', 'subscription_id', "'subscription_ended'", at='ended_at', detail='plan',
        amount='monthly_amount', where='monthly_amount > 0 and ended_at > paid_from_at',
    ) }}
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
