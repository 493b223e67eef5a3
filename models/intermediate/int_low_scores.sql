with answers as (
    select *
    from {{ ref('int_survey_answers') }}
    -- A low score of a competitor is no complaint of ours.
    where survey in ('nps', 'csat', 'ces') and competitor is null
),

limits as (
    {{ thresholds(['detractor_score', 'dissatisfied_score']) }}
)

select
    answers.response_id,
    answers.customer_id,
    answers.survey,
    answers.scaled_score,
    answers.answer,
    answers.answered_date,
    answers.answered_at
from answers
cross join limits
where
    (answers.survey = 'nps' and answers.scaled_score <= limits.detractor_score)
    or (answers.survey <> 'nps' and answers.scaled_score < limits.dissatisfied_score)
