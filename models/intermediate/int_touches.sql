with touches as (
    select * from {{ ref('stg_touches') }}
)

select
    touches.touch_id,
    ids.customer_id,
    touches.direction,
    touches.channel,
    touches.purpose,
    touches.campaign,
    touches.is_control,
    coalesce({{ local_date('touches.responded_at') }} <= calendar.as_of_date, false) as is_answered,
    touches.dwell_seconds,
    touches.cost_amount,
    {{ local_date('touches.touched_at') }} as touched_date,
    touches.touched_at
from touches
inner join {{ ref('int_customer_ids') }} as ids
    on touches.customer_id = ids.source_customer_id
cross join {{ ref('stg_calendar') }} as calendar
where
    not ids.is_test
    and {{ local_date('touches.touched_at') }} <= calendar.as_of_date
