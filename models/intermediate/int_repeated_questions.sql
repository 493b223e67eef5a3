{#- Survey questions sent to customers who had answered the same not long before. -#}
with limits as (
    {{ thresholds(['repeated_question_days']) }}
),

sends as (
    select * from {{ ref('int_survey_sends') }}
),

answers as (
    select * from {{ ref('int_survey_answers') }}
)

select
    sends.response_id,
    sends.customer_id,
    sends.sent_date,
    max(answers.answered_date) as last_answered_date
from sends
cross join limits
inner join answers
    on sends.customer_id = answers.customer_id
    and sends.survey = answers.survey
    and sends.response_id <> answers.response_id
    and sends.sent_at > answers.answered_at
where
    lower(coalesce(sends.question, '')) = lower(coalesce(answers.question, ''))
    and lower(trim(coalesce(sends.competitor, ''))) = lower(coalesce(answers.competitor, ''))
    and {{ days_between('answers.answered_date', 'sends.sent_date') }}
    <= limits.repeated_question_days
group by sends.response_id, sends.customer_id, sends.sent_date
