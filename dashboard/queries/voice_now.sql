-- One row per survey: all answers so far, of every customer the last one.
select
    survey,
    case when is_sufficient then score end as score,
    case when is_sufficient then score_low end as score_low,
    case when is_sufficient then score_high end as score_high,
    response_count,
    sent_count,
    answered_count,
    response_rate
from marts.survey_scores
where
    segment = 'all'
    and period_start is null
order by survey
