-- Thresholds named _days or _count are whole numbers, those named _share, _rate or _risk at
-- most 1; all are above zero.
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
    or (
        (
            {{ dbt.right('threshold', 6) }} = '_share'
            or {{ dbt.right('threshold', 5) }} in ('_rate', '_risk')
        )
        and value > 1
    )
