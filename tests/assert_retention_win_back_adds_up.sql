-- The row without a month is the sum of the mature months, and is there exactly when there is one;
-- no count exceeds the one that it is part of; every episode is in one month.
with months as (
    select * from {{ ref('win_back_results') }} where month is not null
),

together as (
    select * from {{ ref('win_back_results') }} where month is null
),

sums as (
    select
        count(*) as month_count,
        coalesce(sum(contacted_count), 0) as contacted_count,
        coalesce(sum(lost_contacted_count), 0) as lost_contacted_count,
        coalesce(sum(won_back_count), 0) as won_back_count,
        coalesce(sum(control_count), 0) as control_count,
        coalesce(sum(control_won_back_count), 0) as control_won_back_count
    from months
    where is_mature
),

episodes as (
    select count(*) as episode_count from {{ ref('int_win_back_episodes') }}
),

all_counts as (
    select coalesce(sum(contacted_count + control_count), 0) as episode_count from months
)

select
    together.month,
    'sum of the mature months' as problem
from sums
left join together on together.is_mature
where
    (sums.month_count > 0) <> (together.contacted_count is not null)
    or sums.contacted_count <> together.contacted_count
    or sums.lost_contacted_count <> together.lost_contacted_count
    or sums.won_back_count <> together.won_back_count
    or sums.control_count <> together.control_count
    or sums.control_won_back_count <> together.control_won_back_count
union all
select
    month,
    'counts' as problem
from {{ ref('win_back_results') }}
where
    won_back_count > contacted_count
    or lost_contacted_count > contacted_count
    or control_won_back_count > control_count
    or contacted_count + control_count = 0
    or uplift < uplift_low
    or uplift > uplift_high
    or (uplift is null) <> (conclusion in ('too_early', 'no_control'))
union all
select
    cast(null as date) as month,
    'episodes' as problem
from episodes
cross join all_counts
where episodes.episode_count <> all_counts.episode_count
