-- One row per reason or set of reasons for which rows were set aside.
select
    reasons,
    count(*) as row_count,
    sum(count(*)) over () as all_row_count,
    count(distinct input) as input_count,
    min(concat(file, ':', cast(line_number as varchar(20)))) as example
from marts.quarantined_rows
group by reasons
order by count(*) desc, reasons
limit 12
