{#- Every referral that a customer made. Of the referrals that name one customer the first in time
    has the credit. Two ids of one person are no referral and take no credit. -#}
with activities as (
    select * from {{ ref('int_customer_activities') }} where input = 'referrals'
),

named as (
    select
        made.source_id as referral_id,
        made.customer_id as referrer_id,
        -- Null where the referral names nobody, or a test customer.
        referred.customer_id as referred_customer_id,
        made.detail as kind,
        coalesce(made.customer_id = referred.customer_id, false) as is_self_referral,
        made.activity_date as referred_date,
        made.activity_at as referred_at
    from activities as made
    left join activities as referred
        on made.source_id = referred.source_id and referred.activity = 'was_referred'
    where made.activity = 'referral_made'
),

numbered as (
    select
        named.*,
        row_number() over (
            partition by referred_customer_id, is_self_referral order by referred_at, referral_id
        ) as referral_number
    from named
)

select
    referral_id,
    referrer_id,
    referred_customer_id,
    kind,
    is_self_referral,
    referred_customer_id is not null and not is_self_referral and referral_number = 1 as is_first,
    referred_date,
    referred_at
from numbered
