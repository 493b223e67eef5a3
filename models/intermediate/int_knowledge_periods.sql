{#- What is known of a customer changes backwards only when a paid order is refunded in full: it was
    a paid order until that day and is none from it on. Each such day opens a new period. -#}
with voids as (
    select distinct
        customer_id,
        voided_date as known_from
    from {{ ref('int_customer_activities') }}
    where activity = 'order_paid' and voided_date > activity_date
),

openings as (
    select
        customer_id,
        cast('1900-01-01' as date) as known_from
    from {{ ref('int_customers') }}
    union all
    select
        customer_id,
        known_from
    from voids
)

select
    customer_id,
    known_from,
    coalesce(
        lead(known_from) over (partition by customer_id order by known_from),
        cast('9999-12-31' as date)
    ) as known_until
from openings
