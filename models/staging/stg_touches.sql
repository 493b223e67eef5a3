with {{ accepted_rows('touches') }}

select
    touch_id,
    customer_id,
    direction,
    channel,
    purpose,
    campaign,
    coalesce(is_control, false) as is_control,
    dwell_seconds,
    cost as cost_amount,
    touched_at,
    {{ not_before('responded_at', 'touched_at') }} as responded_at
from accepted
