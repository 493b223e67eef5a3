-- Thresholds named _days or _count are whole numbers above zero; all are above zero.
select
    threshold,
    value
from {{ ref('thresholds') }}
where
    value <= 0
    or (
        ({{ dbt.right('threshold', 5) }} = '_days' or {{ dbt.right('threshold', 6) }} = '_count')
        and value <> floor(value)
    )
