-- Over 100 attempts to log in within a minute are a machine, not a customer. Scores count days with
-- a login, so a burst moves none of them; counts of logins hold it.
{{ config(severity='warn') }}

select
    customer_id,
    {{ dbt.date_trunc('minute', 'logged_in_at') }} as minute_at,
    count(*) as login_count
from {{ ref('stg_logins') }}
group by customer_id, {{ dbt.date_trunc('minute', 'logged_in_at') }}
having count(*) > 100
