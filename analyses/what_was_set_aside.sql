-- Which files bring bad rows, and why? One row per file and reason, the worst first.
select
    quarantined.input,
    quarantined.file,
    quarantined.reasons,
    count(*) as row_count,
    count(*) / cast(max(accounting.landed_count) as double precision) as share_of_file,
    min(quarantined.line_number) as first_line_number
from {{ ref('quarantined_rows') }} as quarantined
inner join {{ ref('row_accounting') }} as accounting
    on quarantined.input = accounting.input and quarantined.file = accounting.file
group by quarantined.input, quarantined.file, quarantined.reasons
order by share_of_file desc, quarantined.input asc, quarantined.file asc
