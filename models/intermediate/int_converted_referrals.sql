{#- One row per referrer, of what is known on the as-of date. -#}
select
    referrer_id as customer_id,
    count(*) as converted_referral_count
from {{ ref('int_referral_conversions') }}
where known_until = cast('9999-12-31' as date)
group by referrer_id
