{#- How much each attribute matters: what customers say; where they were never asked, how closely
    their score of it goes with their score of the whole. -#}
with scores as (
    select * from {{ ref('int_brand_scores') }}
    where survey = 'attribute' and is_latest and competitor is null
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

opinions as (
    select
        customer_id,
        scaled_score,
        row_number() over (
            partition by customer_id order by answered_at desc, response_id desc
        ) as place
    from {{ ref('int_survey_answers') }}
    where survey in ('nps', 'csat') and competitor is null and scaled_score is not null
),

stated as (
    select
        topic as attribute,
        avg(scaled_score) as importance,
        count(*) as answer_count
    from scores
    where measure = 'importance'
    group by topic
),

pairs as (
    select
        scores.topic as attribute,
        scores.scaled_score as performance,
        opinions.scaled_score as opinion,
        scores.scaled_score - avg(scores.scaled_score) over (partition by scores.topic)
            as performance_distance,
        opinions.scaled_score - avg(opinions.scaled_score) over (partition by scores.topic)
            as opinion_distance
    from scores
    inner join opinions on scores.customer_id = opinions.customer_id and opinions.place = 1
    where scores.measure = 'performance'
),

-- Pearson. Scores that are all the same go with nothing; the comparison of extremes tells so
-- without the rounding that a variance has.
derived as (
    select
        attribute,
        case
            when min(performance) < max(performance) and min(opinion) < max(opinion)
                then greatest(-100, least(100, 100
                    * sum(performance_distance * opinion_distance) / sqrt(
                        sum(performance_distance * performance_distance)
                        * sum(opinion_distance * opinion_distance)
                    )
                ))
        end as importance,
        count(*) as answer_count
    from pairs
    group by attribute
)

select
    coalesce(stated.attribute, derived.attribute) as attribute,
    coalesce(stated.importance, derived.importance) as importance,
    case when stated.attribute is not null then 'stated' else 'derived' end as importance_source,
    coalesce(stated.answer_count, derived.answer_count) as answer_count
from stated
full outer join derived on stated.attribute = derived.attribute
cross join limits
where
    stated.attribute is not null
    or (derived.importance is not null and derived.answer_count >= limits.minimum_sample_count)
