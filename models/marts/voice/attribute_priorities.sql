with scores as (
    select * from {{ ref('int_brand_scores') }}
    where survey = 'attribute' and is_latest
),

importance as (
    select * from {{ ref('int_attribute_importance') }}
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

attributes as (
    select distinct topic as attribute from scores
),

brands as (
    select
        topic as attribute,
        competitor,
        avg(scaled_score) as performance,
        count(*) as answer_count
    from scores
    where measure = 'performance'
    group by topic, competitor
),

-- The cut to nine decimals makes equal means equal, whatever the order of their sums.
rivals as (
    select
        brands.*,
        row_number() over (
            partition by attribute order by cast(performance as decimal(18, 9)) desc, competitor asc
        ) as place
    from brands
    where competitor is not null
),

measured as (
    select
        attributes.attribute,
        importance.importance,
        importance.importance_source,
        coalesce(importance.answer_count, 0) as importance_answer_count,
        ours.performance,
        coalesce(ours.answer_count, 0) as answer_count,
        rivals.competitor as best_competitor,
        rivals.performance as best_competitor_performance,
        coalesce(rivals.answer_count, 0) as competitor_answer_count,
        importance.importance is not null and ours.performance is not null as is_placed
    from attributes
    left join importance on attributes.attribute = importance.attribute
    left join brands as ours on attributes.attribute = ours.attribute and ours.competitor is null
    left join rivals on attributes.attribute = rivals.attribute and rivals.place = 1
),

-- Of the attributes with both known. What customers state and what is derived are not on one scale,
-- so each is held against the mean of its own kind.
means as (
    select
        measured.*,
        avg(case when is_placed then importance end) over (partition by importance_source)
            as mean_importance,
        avg(case when is_placed then performance end) over () as mean_performance
    from measured
),

-- An attribute at the mean is not below it, and the mean itself is rounded.
sides as (
    select
        means.*,
        importance - mean_importance >= -1e-9 as is_important,
        performance - mean_performance >= -1e-9 as is_strong
    from means
),

quadrants as (
    select
        sides.*,
        case
            when not is_placed then null
            when is_important and not is_strong then 'concentrate_here'
            when is_important then 'keep_up'
            when is_strong then 'possible_overkill'
            else 'low_priority'
        end as quadrant
    from sides
),

ranked as (
    select
        quadrants.*,
        row_number() over (
            partition by is_placed
            order by
                case when quadrant = 'concentrate_here' then 0 else 1 end,
                cast(importance * (100 - performance) as decimal(18, 9)) desc,
                attribute asc
        ) as fix_place
    from quadrants
)

select
    ranked.attribute,
    ranked.importance,
    ranked.importance_source,
    ranked.performance,
    ranked.best_competitor,
    ranked.best_competitor_performance,
    ranked.performance - ranked.best_competitor_performance as gap_to_best,
    ranked.mean_importance,
    ranked.mean_performance,
    ranked.quadrant,
    case when ranked.is_placed then ranked.fix_place end as fix_rank,
    ranked.importance_answer_count,
    ranked.answer_count,
    ranked.competitor_answer_count,
    ranked.answer_count >= limits.minimum_sample_count
    and ranked.importance_answer_count >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from ranked
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
