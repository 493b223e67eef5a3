select
    refresh_id,
    status,
    landing,
    landed_count,
    quarantined_count,
    dbt_check_count,
    expectation_count,
    failed_check_count,
    message,
    code_version,
    is_published,
    as_of_date,
    started_at,
    ended_at
from {{ source('ledger', 'refreshes') }}
