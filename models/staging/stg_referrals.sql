with {{ accepted_rows('referrals') }}

select
    referral_id,
    referrer_id,
    referred_customer_id,
    kind,
    referred_at
from accepted
