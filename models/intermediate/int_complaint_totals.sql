with complaints as (
    select * from {{ ref('int_complaints') }}
)

select
    customer_id,
    count(case when is_recovered then 1 end) as recovered_complaint_count,
    -- Null where none is surely open, and of one nobody knows.
    case
        when count(case when not is_resolved then 1 end) > 0 then true
        when count(is_resolved) = count(*) then false
    end as has_open_complaint
from complaints
group by customer_id
