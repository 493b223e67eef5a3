-- CDNOW purchases (master) -> orders, one per row of the source.
-- Money: US dollars as given. Ids: the source has no order id, so customer, day and the row's place
-- among the customer's rows of that day make one. Rows that look the same are purchases of their
-- own: the published counts keep them. Time zone: days only, written yyyymmdd.
select
    customer_id || '-' || date || '-' || row_number() over (
        partition by customer_id, date order by _file, _line
    ) as order_id,
    customer_id,
    regexp_replace(date, '^(\d{4})(\d{2})(\d{2})$', '\1-\2-\3') as ordered_at,
    dollar_value as amount,
    'USD' as currency,
    number_of_cds as cd_count,
    _file,
    _line
from landing.master
