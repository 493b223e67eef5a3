-- One row per month with answers; the score says whether there were enough.
select
    period_start as month,
    score as nps,
    score_low as nps_low,
    score_high as nps_high,
    response_count,
    case when is_sufficient then 'enough answers' else 'not enough answers' end as answers
from marts.survey_scores
where
    survey = 'nps'
    and segment = 'all'
    and period_start is not null
    and response_count > 0
order by period_start
