-- Too many bad rows in a file are a mapping mistake, not dirt: the whole delivery is refused.
with reason_counts as (
    select
        input,
        file,
        reasons,
        count(*) as row_count,
        min(details) as example
    from {{ ref('quarantined_rows') }}
    group by input, file, reasons
),

ranked as (
    select
        input,
        file,
        reasons,
        row_count,
        example,
        row_number() over (
            partition by input, file order by row_count desc, reasons asc
        ) as reason_rank
    from reason_counts
)

select
    accounting.input,
    accounting.file,
    accounting.landed_count,
    accounting.quarantined_count,
    ranked.reasons as most_common_reason,
    ranked.row_count as most_common_reason_count,
    ranked.example
from {{ ref('row_accounting') }} as accounting
left join ranked
    on accounting.input = ranked.input and accounting.file = ranked.file and ranked.reason_rank = 1
where
    accounting.landed_count > 100
    and accounting.quarantined_count > {{ var('max_quarantine_rate') }} * accounting.landed_count
