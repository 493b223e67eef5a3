select
    refresh_id,
    mart,
    rows_before,
    rows_after,
    added_count,
    removed_count,
    changed_count,
    as_of_date
from {{ source('ledger', 'refresh_changes') }}
