with landed as (
    {{ landed_rows('referrals') }}
),

typed as (
    {{ typed_rows('referrals') }}
),

{{ judged_rows(
    'referrals', 'typed', key=['referral_id'], event_at='referred_at', version_at=['referred_at'],
    checks=[
        ('self_referral', 'referrer_id = referred_customer_id',
            found('referrer_id', 'refers to itself')),
    ],
) }}

select * from judged
