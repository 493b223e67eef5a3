with {{ accepted_rows('advocacy_acts') }}

select
    act_id,
    customer_id,
    act,
    acted_at
from accepted
