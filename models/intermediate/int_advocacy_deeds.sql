with weights as (
    select * from {{ ref('advocacy_weights') }}
),

lightest as (
    select min(weight) as weight from weights
),

deeds as (
    select
        input,
        source_id,
        customer_id,
        detail as deed,
        activity_date as deed_date,
        cast('1900-01-01' as date) as known_from,
        cast('9999-12-31' as date) as known_until
    from {{ ref('int_customer_activities') }}
    where activity = 'advocacy_act'
    union all
    select
        'referrals' as input,
        referral_id as source_id,
        referrer_id as customer_id,
        'converted_referral' as deed,
        converted_date as deed_date,
        known_from,
        known_until
    from {{ ref('int_referral_conversions') }}
)

select
    deeds.input,
    deeds.source_id,
    deeds.customer_id,
    coalesce(deeds.deed, 'unknown') as deed,
    -- What somebody did without saying what is a deed all the same.
    coalesce(weights.weight, lightest.weight) as weight,
    deeds.deed_date,
    deeds.known_from,
    deeds.known_until
from deeds
cross join lightest
left join weights on deeds.deed = weights.deed
