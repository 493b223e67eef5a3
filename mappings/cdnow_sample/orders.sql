-- CDNOW purchases (sample: the 2,357 customers of the papers) -> orders, one per row of the source.
-- Money: US dollars as given. Ids: customers keep their id of the master file; the source has no
-- order id, so customer, day and the row's place among the customer's rows of that day make one.
-- Rows that look the same are purchases of their own: the published counts keep them. Time zone:
-- days only, written yyyymmdd.
select
    masterid || '-' || date || '-' || row_number() over (
        partition by masterid, date order by _file, _line
    ) as order_id,
    masterid as customer_id,
    regexp_replace(date, '^(\d{4})(\d{2})(\d{2})$', '\1-\2-\3') as ordered_at,
    sales as amount,
    'USD' as currency,
    cds as cd_count,
    _file,
    _line
from landing.sample
