-- One row per refresh, of the last 20.
select
    started_at,
    ended_at,
    status,
    is_published,
    landing,
    landed_count,
    quarantined_count,
    dbt_check_count,
    expectation_count,
    failed_check_count,
    code_version,
    message
from marts.refreshes
order by refresh_id desc
limit 20
