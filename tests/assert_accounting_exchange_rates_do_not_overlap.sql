-- A day has at most one rate, or an order of that day would be counted twice.
with numbered as (
    select
        currency,
        reporting_currency,
        valid_from,
        valid_to,
        row_number() over (
            order by currency, reporting_currency, valid_from, valid_to
        ) as rate_number
    from {{ ref('exchange_rates') }}
)

select
    earlier.currency,
    earlier.reporting_currency,
    earlier.valid_from,
    earlier.valid_to,
    later.valid_from as overlapping_from,
    later.valid_to as overlapping_to
from numbered as earlier
inner join numbered as later
    on earlier.currency = later.currency
    and earlier.reporting_currency = later.reporting_currency
    and earlier.rate_number < later.rate_number
    and earlier.valid_from <= later.valid_to
    and later.valid_from <= earlier.valid_to
union all
select
    currency,
    reporting_currency,
    valid_from,
    valid_to,
    null as overlapping_from,
    null as overlapping_to
from numbered
where valid_to < valid_from
