-- One row per month in which a trial began and outcome.
with outcomes as (
    select
        month,
        'bought' as outcome,
        bought_count as trial_count
    from marts.trial_conversion
    union all
    select
        month,
        'undecided' as outcome,
        undecided_count as trial_count
    from marts.trial_conversion
    union all
    select
        month,
        'declined' as outcome,
        declined_count as trial_count
    from marts.trial_conversion
)

select
    month,
    outcome,
    sum(trial_count) as trial_count
from outcomes
group by month, outcome
order by month, outcome
