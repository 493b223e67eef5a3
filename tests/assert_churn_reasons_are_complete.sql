-- Every feature of the models of churn has words for both directions, with a place for the figure;
-- words for anything else are never used.
with needed as (
    {% for feature in churn_features('snapshots') %}
    {%- for direction in ['high', 'low'] -%}
    select '{{ feature }}' as feature, '{{ direction }}' as direction
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    coalesce(needed.feature, reasons.feature) as feature,
    coalesce(needed.direction, reasons.direction) as direction,
    case
        when reasons.feature is null then 'missing'
        when needed.feature is null then 'unknown'
        else 'no place for the figure'
    end as problem
from needed
full outer join {{ ref('churn_reasons') }} as reasons
    on needed.feature = reasons.feature and needed.direction = reasons.direction
where
    needed.feature is null
    or reasons.feature is null
    or reasons.reason not like '%{value}%'
