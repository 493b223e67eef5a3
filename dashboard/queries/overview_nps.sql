-- One row per month with NPS answers; the score is null where too few answered.
select
    period_start as month,
    case when is_sufficient then score end as nps,
    case when is_sufficient then score_low end as nps_low,
    case when is_sufficient then score_high end as nps_high,
    response_count
from marts.survey_scores
where
    survey = 'nps'
    and segment = 'all'
    and period_start is not null
    and response_count > 0
order by period_start
