-- Rows before, and what was added and removed, give the rows after.
select
    refresh_id,
    mart,
    rows_before,
    rows_after,
    added_count,
    removed_count
from {{ ref('refresh_changes') }}
where rows_after <> coalesce(rows_before, 0) + added_count - coalesce(removed_count, 0)
