-- One row per survey and month; the rate is null where fewer than 30 questions were sent.
select
    period_start as month,
    survey,
    sent_count,
    answered_count,
    case when sent_count >= 30 then response_rate end as response_rate
from marts.survey_scores
where
    segment = 'all'
    and period_start is not null
    and sent_count > 0
order by period_start, survey
