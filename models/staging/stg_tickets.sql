with {{ accepted_rows('tickets') }}

select
    ticket_id,
    customer_id,
    kind,
    wait_seconds,
    satisfaction as satisfaction_score,
    opened_at,
    first_replied_at,
    resolved_at
from accepted
