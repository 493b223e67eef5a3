-- One row: the refresh that was published last.
with ranked as (
    select
        *,
        row_number() over (order by refresh_id desc) as recency_rank
    from marts.refreshes
    where is_published
)

select
    ended_at,
    landed_count,
    quarantined_count,
    dbt_check_count,
    expectation_count,
    failed_check_count,
    message,
    code_version
from ranked
where recency_rank = 1
