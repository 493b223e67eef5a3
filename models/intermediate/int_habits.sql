{#- What customers may do in their first days: the seed, and each feature that is used. -#}
with limits as (
    {{ thresholds(['habit_feature_days']) }}
),

features as (
    select distinct feature from {{ ref('int_feature_use') }}
)

select
    habit,
    activity || ':' || coalesce(detail, '*') as evidence,
    activity,
    detail,
    min_distinct_days,
    within_days,
    what_to_show
from {{ ref('habits') }}
union all
select
    'uses:' || features.feature as habit,
    'feature_used:' || features.feature as evidence,
    'feature_used' as activity,
    features.feature as detail,
    1 as min_distinct_days,
    limits.habit_feature_days as within_days,
    core.lesson as what_to_show
from features
cross join limits
left join {{ ref('core_features') }} as core on features.feature = core.feature
