with {{ accepted_rows('events') }}

select
    event_id,
    customer_id,
    feature,
    coalesce(quantity, 1) as quantity,
    occurred_at
from accepted
