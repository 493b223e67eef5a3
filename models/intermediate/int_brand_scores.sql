{#- Scores of us and of competitors on one question each, so that brands can be compared on what was
    asked about both. -#}
with answers as (
    select
        *,
        case
            when survey = 'attribute' and lower(question) like 'importance:%' then 'importance'
            else 'performance'
        end as measure
    from {{ ref('int_survey_answers') }}
    where survey in ('attribute', 'loyalty', 'nps') and scaled_score is not null
),

-- Texts differ in case from one survey tool to the next.
topics as (
    select
        response_id,
        customer_id,
        survey,
        measure,
        nullif(trim(case
            when survey = 'nps' then 'nps'
            when measure = 'importance' then substring(lower(question), 12)
            when survey = 'attribute' and lower(question) like 'performance:%'
                then substring(lower(question), 13)
            else lower(question)
        end), '') as topic,
        -- How much something matters is no judgement of a brand.
        case when measure = 'performance' then competitor end as competitor,
        scaled_score,
        {{ period_of('answered_date', 'month') }} as month,
        answered_at
    from answers
)

select
    response_id,
    customer_id,
    survey,
    measure,
    topic,
    competitor,
    scaled_score,
    row_number() over (
        partition by customer_id, survey, measure, topic, competitor
        order by answered_at desc, response_id desc
    ) = 1 as is_latest,
    row_number() over (
        partition by customer_id, survey, measure, topic, competitor, month
        order by answered_at desc, response_id desc
    ) = 1 as is_latest_of_month,
    month,
    answered_at
from topics
where topic is not null
