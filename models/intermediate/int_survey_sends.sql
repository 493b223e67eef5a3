{#- Also those that nobody answered: a response rate is a share of these. -#}
with surveys as (
    select * from {{ ref('stg_surveys') }} where sent_at is not null
)

select
    surveys.response_id,
    ids.customer_id,
    surveys.survey,
    surveys.question,
    surveys.competitor,
    -- An answer after the as-of date is not known yet.
    coalesce({{ local_date('surveys.answered_at') }} <= calendar.as_of_date, false) as is_answered,
    {{ local_date('surveys.sent_at') }} as sent_date,
    surveys.sent_at
from surveys
inner join {{ ref('int_customer_ids') }} as ids
    on surveys.customer_id = ids.source_customer_id
cross join {{ ref('stg_calendar') }} as calendar
where
    not ids.is_test
    and {{ local_date('surveys.sent_at') }} <= calendar.as_of_date
