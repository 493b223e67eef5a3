{#- What customers think of us (never of a competitor), along the days on which it was their latest
    word. -#}
with answers as (
    select
        customer_id,
        survey,
        scaled_score,
        answered_date,
        row_number() over (
            partition by customer_id, survey, answered_date
            order by answered_at desc, response_id desc
        ) as answer_number
    from {{ ref('int_survey_answers') }}
    where survey in ('nps', 'csat') and competitor is null and scaled_score is not null
)

select
    customer_id,
    survey,
    scaled_score,
    answered_date as from_date,
    coalesce(
        lead(answered_date) over (partition by customer_id, survey order by answered_date),
        cast('9999-12-31' as date)
    ) as until_date
from answers
where answer_number = 1
