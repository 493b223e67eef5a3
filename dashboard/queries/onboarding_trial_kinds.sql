-- One row per kind of trial and whether value was seen in it; trials old enough to judge.
with parts as (
    select
        trial_kind,
        'value seen' as value_seen,
        value_seen_count as started_count,
        bought_with_value_count as bought_count
    from marts.trial_conversion
    where is_mature
    union all
    select
        trial_kind,
        'no value seen' as value_seen,
        started_count - value_seen_count as started_count,
        bought_in_window_count - bought_with_value_count as bought_count
    from marts.trial_conversion
    where is_mature
)

select
    trial_kind,
    value_seen,
    sum(started_count) as started_count,
    sum(bought_count) as bought_count
from parts
group by trial_kind, value_seen
having sum(started_count) > 0
order by trial_kind asc, value_seen desc
