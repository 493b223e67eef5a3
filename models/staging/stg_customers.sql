with {{ accepted_rows('customers') }}

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
            then md5('{{ env_var("EVERGREEN_EMAIL_SALT", "") }}' || lower(email))
    end as email_hash,
    created_at
from accepted
