with surveys as (
    select * from {{ ref('stg_surveys') }} where is_answered
)

select
    surveys.response_id,
    ids.customer_id,
    surveys.survey,
    surveys.question,
    surveys.score,
    -- Scores of any scale on one from 0 to 100.
    100.0 * cast(surveys.score - surveys.lowest_score as double precision)
    / cast(nullif(surveys.highest_score - surveys.lowest_score, 0) as double precision)
        as scaled_score,
    surveys.answer,
    -- Names that differ in case only are one competitor.
    min(trim(surveys.competitor)) over (partition by lower(trim(surveys.competitor)))
        as competitor,
    {{ local_date('surveys.answered_at') }} as answered_date,
    surveys.answered_at
from surveys
inner join {{ ref('int_customer_ids') }} as ids
    on surveys.customer_id = ids.source_customer_id
cross join {{ ref('stg_calendar') }} as calendar
where
    not ids.is_test
    and {{ local_date('surveys.answered_at') }} <= calendar.as_of_date
