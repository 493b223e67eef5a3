-- One row per feature and how far customers use it.
select
    feature,
    coalesce(state, 'unknown') as state,
    count(*) as customer_count,
    sum(case when is_next then 1 else 0 end) as teach_next_count
from marts.feature_adoption
group by feature, state
order by
    sum(sum(case when state = 'adopted' then 1 else 0 end)) over (partition by feature) desc,
    feature,
    state asc
