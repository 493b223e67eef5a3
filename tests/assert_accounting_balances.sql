-- Landed is accepted, duplicate, quarantined or erased: in rows, and in money to the cent.
select
    input,
    file,
    landed_count,
    accepted_count,
    duplicate_count,
    quarantined_count,
    erased_count,
    landed_amount,
    accepted_amount,
    duplicate_amount,
    quarantined_amount,
    erased_amount
from {{ ref('row_accounting') }}
where
    landed_count <> accepted_count + duplicate_count + quarantined_count + erased_count
    or landed_amount
    <> accepted_amount + duplicate_amount + quarantined_amount + erased_amount
