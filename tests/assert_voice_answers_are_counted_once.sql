-- Promoters, passives and detractors are all who answered; favourable answers are some of them.
-- Each row counts something, no more was answered than sent, and an interval holds its score.
select
    survey,
    period_start,
    segment,
    segment_value,
    response_count,
    score
from {{ ref('survey_scores') }}
where
    (survey = 'nps' and promoter_count + passive_count + detractor_count <> response_count)
    or (survey = 'nps' and (favourable_count is not null or promoter_count is null))
    or (survey <> 'nps' and (promoter_count is not null or favourable_count is null))
    or favourable_count > response_count
    or answered_count > sent_count
    or response_count + sent_count = 0
    or (response_count = 0 and (score is not null or score_low is not null))
    or (response_count = 0 and score_high is not null)
    or (response_count > 0 and (score is null or score_low is null or score_high is null))
    or score_low > score + 1e-9
    or score_high < score - 1e-9
