-- Each attribute that was asked about is there once. It is in the quadrant that its sides of the
-- means give, in none where a side is unknown, and what matters and is weak is mended first.
with priorities as (
    select * from {{ ref('attribute_priorities') }}
),

asked as (
    select
        topic as attribute,
        max(case when measure = 'performance' and competitor is null then 1 else 0 end)
            as is_scored
    from {{ ref('int_brand_scores') }}
    where survey = 'attribute'
    group by topic
),

counted as (
    select
        attribute,
        count(*) as row_count,
        max(quadrant) as quadrant,
        max(fix_rank) as fix_rank,
        max(importance) - max(mean_importance) as importance_side,
        max(performance) - max(mean_performance) as performance_side,
        max(case when importance is not null and performance is not null then 1 else 0 end)
            as is_placed,
        max(case when performance is not null then 1 else 0 end) as is_scored
    from priorities
    group by attribute
),

-- Ranks are 1, 2, 3 ... without a gap, those of the first quadrant before all others.
ranks as (
    select
        count(fix_rank) as rank_count,
        count(distinct fix_rank) as distinct_count,
        max(fix_rank) as last_rank,
        max(case when quadrant = 'concentrate_here' then fix_rank end) as last_urgent_rank,
        min(case when quadrant <> 'concentrate_here' then fix_rank end) as first_other_rank
    from priorities
)

select
    coalesce(asked.attribute, counted.attribute) as attribute,
    counted.quadrant,
    counted.fix_rank
from asked
full outer join counted on asked.attribute = counted.attribute
where
    asked.attribute is null
    or counted.attribute is null
    or counted.row_count <> 1
    or asked.is_scored <> counted.is_scored
    or (counted.is_placed = 1) <> (counted.quadrant is not null)
    or (counted.is_placed = 1) <> (counted.fix_rank is not null)
    or (
        counted.quadrant in ('concentrate_here', 'keep_up') and counted.importance_side < -1e-9
    )
    or (
        counted.quadrant in ('keep_up', 'possible_overkill') and counted.performance_side < -1e-9
    )
    or (
        counted.quadrant in ('low_priority', 'possible_overkill')
        and counted.importance_side >= -1e-9
    )
    or (
        counted.quadrant in ('concentrate_here', 'low_priority')
        and counted.performance_side >= -1e-9
    )
union all
select
    'all of them' as attribute,
    null as quadrant,
    ranks.last_rank as fix_rank
from ranks
where
    ranks.rank_count <> ranks.distinct_count
    or ranks.rank_count <> coalesce(ranks.last_rank, 0)
    or ranks.last_urgent_rank > ranks.first_other_rank
