-- An e-mail address on many customer ids is a placeholder: its ids are not folded together.
{{ config(severity='warn') }}

select
    email_hash,
    count(*) as id_count,
    min(customer_id) as first_customer_id,
    max(customer_id) as last_customer_id
from {{ ref('stg_customers') }}
where email_hash is not null
group by email_hash
having count(*) > {{ var('max_ids_per_email') }}
