-- Touches and survey questions of the audit are those of the activity stream.
with audited as (
    select
        sum(touch_count) as touch_count,
        sum(question_count) as question_count
    from {{ ref('contact_audit') }}
),

streamed as (
    select
        count(case when activity = 'touch_outbound' then 1 end) as touch_count,
        count(case when activity = 'survey_sent' then 1 end) as question_count
    from {{ ref('int_customer_activities') }}
)

select
    audited.touch_count,
    streamed.touch_count as streamed_touch_count,
    audited.question_count,
    streamed.question_count as streamed_question_count
from audited
cross join streamed
where
    coalesce(audited.touch_count, 0) <> streamed.touch_count
    or coalesce(audited.question_count, 0) <> streamed.question_count
