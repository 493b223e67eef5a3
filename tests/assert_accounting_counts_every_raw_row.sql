-- Each row of raw, each line that could not be read as one and each row that was erased is a landed
-- row of its file, and nothing else is.
with landed as (
    {% for input in input_names() %}
    select
        '{{ input }}' as input,
        coalesce(_file, '(no file recorded)') as file,
        count(*) as row_count
    from {{ source('raw', input) }}
    group by _file
    union all
    {% endfor %}
    select
        input,
        file,
        count(*) as row_count
    from {{ source('ledger', 'malformed_lines') }}
    group by input, file
    union all
    select
        input,
        file,
        sum(row_count) as row_count
    from {{ source('ledger', 'erased_rows') }}
    group by input, file
),

landed_by_file as (
    select
        input,
        file,
        sum(row_count) as row_count
    from landed
    group by input, file
)

select
    coalesce(accounting.input, landed_by_file.input) as input,
    coalesce(accounting.file, landed_by_file.file) as file,
    landed_by_file.row_count as raw_count,
    accounting.landed_count
from landed_by_file
full outer join {{ ref('row_accounting') }} as accounting
    on landed_by_file.input = accounting.input and landed_by_file.file = accounting.file
where
    accounting.input is null
    or accounting.landed_count <> coalesce(landed_by_file.row_count, 0)
