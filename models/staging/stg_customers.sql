with {{ accepted_rows('customers') }},

-- A salt in rendered SQL would lie in dbt's target folder.
salts as (
    select max(salt) as salt from {{ source('ledger', 'email_salt') }}
),

salted as (
    select
        accepted.*,
        salts.salt
    from accepted
    cross join salts
)

select
    customer_id,
    archetype,
    country,
    entry_source,
    entry_campaign,
    preferred_channel,
    reseller_id,
    has_consent,
    merged_into,
    coalesce(is_test, false)
    {%- for domain in var('internal_email_domains') %}
    or coalesce(
        {{ dbt.split_part('lower(email)', "'@'", 2) }}
        = '{{ domain | lower | replace("'", "''") }}',
        false
    )
    {%- endfor %} as is_test,
    -- Addresses never leave staging: case and outer spaces are folded, the rest is kept as it is.
    case
        when lower(email) like '%_@_%._%'
            then {{ sha256("salt || lower(email)") }}
    end as email_hash,
    created_at
from salted
