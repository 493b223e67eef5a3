with {{ accepted_rows('tickets') }}

select
    ticket_id,
    customer_id,
    kind,
    wait_seconds,
    satisfaction as satisfaction_score,
    has_time_of_day,
    -- A reply or a resolution landed with a time before the opening, which was set aside.
    coalesce(notes like '%impossible_order_of_times%', false) as has_impossible_time,
    opened_at,
    first_replied_at,
    resolved_at
from accepted
