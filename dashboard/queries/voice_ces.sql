-- One row per month with answers; the score says whether there were enough.
select
    period_start as month,
    score as ces,
    score_low as ces_low,
    score_high as ces_high,
    response_count,
    case when is_sufficient then 'enough answers' else 'not enough answers' end as answers
from marts.survey_scores
where
    survey = 'ces'
    and segment = 'all'
    and period_start is not null
    and response_count > 0
order by period_start
