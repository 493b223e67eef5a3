-- Every mart is joined with it: no row would empty them, two would double them.
select count(*) as row_count
from {{ ref('stg_calendar') }}
having count(*) <> 1
