-- RavenStack accounts -> customers; the industry is the archetype.
-- Money: none. Ids: the account. Time zone: days only.
select
    account_id as customer_id,
    signup_date as created_at,
    industry as archetype,
    country,
    referral_source as entry_source,
    _file,
    _line
from landing.ravenstack_accounts
