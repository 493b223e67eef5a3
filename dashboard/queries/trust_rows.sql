-- One row per input with rows.
with inputs as (
    select
        input,
        sum(landed_count) as landed_count,
        sum(accepted_count) as accepted_count,
        sum(duplicate_count) as duplicate_count,
        sum(quarantined_count) as quarantined_count,
        sum(erased_count) as erased_count,
        sum(landed_amount) as landed_amount,
        sum(accepted_amount) as accepted_amount,
        sum(duplicate_amount) as duplicate_amount,
        sum(quarantined_amount) as quarantined_amount,
        sum(erased_amount) as erased_amount
    from marts.row_accounting
    group by input
)

select
    input,
    landed_count,
    accepted_count,
    duplicate_count,
    quarantined_count,
    erased_count,
    case when landed_count > 0 then quarantined_count * 1.0 / landed_count end as quarantined_rate,
    landed_amount,
    accepted_amount,
    duplicate_amount,
    quarantined_amount,
    erased_amount
from inputs
where landed_count > 0
order by landed_count desc, input asc
