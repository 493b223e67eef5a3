-- Everybody who ever gave a score is in the scores of all time, and every survey sent is in one
-- month and in all time.
with scores as (
    select * from {{ ref('survey_scores') }} where segment = 'all'
),

answered as (
    select
        survey,
        count(distinct customer_id) as customer_count
    from {{ ref('int_survey_answers') }}
    where scaled_score is not null and competitor is null
    group by survey
),

sent as (
    select
        survey,
        count(*) as sent_count,
        count(case when is_answered then 1 end) as answered_count
    from {{ ref('int_survey_sends') }}
    where competitor is null
    group by survey
),

surveys as (
    {% for survey in ['nps', 'csat', 'ces'] %}
    select '{{ survey }}' as survey
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    select
        survey,
        sum(case when period_start is null then response_count else 0 end) as customer_count,
        sum(case when period_start is null then sent_count else 0 end) as sent_count,
        sum(case when period_start is not null then sent_count else 0 end) as sent_count_of_months,
        sum(case when period_start is not null then answered_count else 0 end) as answered_count
    from scores
    group by survey
),

compared as (
    select
        surveys.survey,
        coalesce(answered.customer_count, 0) as customer_count,
        coalesce(counted.customer_count, 0) as counted_customers,
        coalesce(sent.sent_count, 0) as sent_count,
        coalesce(counted.sent_count, 0) as counted_sendings,
        coalesce(counted.sent_count_of_months, 0) as sendings_of_months,
        coalesce(sent.answered_count, 0) as answered_count,
        coalesce(counted.answered_count, 0) as counted_answers
    from surveys
    left join answered on surveys.survey = answered.survey
    left join sent on surveys.survey = sent.survey
    left join counted on surveys.survey = counted.survey
)

select * from compared
where
    customer_count <> counted_customers
    or sent_count <> counted_sendings
    or sent_count <> sendings_of_months
    or answered_count <> counted_answers
