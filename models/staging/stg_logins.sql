with {{ accepted_rows('logins') }}

select
    login_id,
    customer_id,
    outcome,
    method,
    logged_in_at
from accepted
