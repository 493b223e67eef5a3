-- quarantined_rows shows as many rows of each file as row_accounting counts.
with listed as (
    select
        input,
        file,
        count(*) as listed_count
    from {{ ref('quarantined_rows') }}
    group by input, file
)

select
    coalesce(accounting.input, listed.input) as input,
    coalesce(accounting.file, listed.file) as file,
    listed.listed_count,
    accounting.quarantined_count
from {{ ref('row_accounting') }} as accounting
full outer join listed
    on accounting.input = listed.input and accounting.file = listed.file
where coalesce(accounting.quarantined_count, -1) <> coalesce(listed.listed_count, 0)
