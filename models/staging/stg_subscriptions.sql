with {{ accepted_rows('subscriptions') }}

select
    subscription_id,
    customer_id,
    plan,
    upper(currency) as currency,
    {{ to_reporting('monthly_amount') }} as monthly_amount,
    {{ without_contacts('cancel_reason') }} as cancel_reason,
    started_at,
    trial_ends_at,
    -- The paid part starts when the trial ends.
    coalesce({{ not_before('trial_ends_at', 'started_at') }}, started_at) as paid_from_at,
    ended_at
from accepted
