-- The loader counted as many rows in each file as the models account for.
select
    ledger.input,
    ledger.file,
    ledger.landed_count as loaded_count,
    accounting.landed_count
from {{ source('ledger', 'files') }} as ledger
left join {{ ref('row_accounting') }} as accounting
    on ledger.input = accounting.input and ledger.file = accounting.file
where
    ledger.landed_count is not null
    and (accounting.landed_count is null or accounting.landed_count <> ledger.landed_count)
