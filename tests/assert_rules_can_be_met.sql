-- A rule that nothing can ever meet is a slip: evidence on no day, a step due never or under two
-- names, a habit of more days than it has time for or with two lessons, a reason in capitals or
-- with spaces around it, which no stated reason in lower case is, a level of risk that does not lie
-- above the one before.
select
    'stage_rules' as seed,
    stage as rule,
    'min_distinct_days below 1 or empty' as problem
from {{ ref('stage_rules') }}
where coalesce(min_distinct_days, 0) < 1
union all
select
    'onboarding_checklist' as seed,
    step as rule,
    'min_distinct_days below 1 or empty, due_day not 0-90, or is_value empty' as problem
from {{ ref('onboarding_checklist') }}
where
    coalesce(min_distinct_days, 0) < 1
    or coalesce(due_day, -1) not between 0 and 90
    or is_value is null
union all
select
    'onboarding_checklist' as seed,
    min(step) as rule,
    'several names for one step_number' as problem
from {{ ref('onboarding_checklist') }}
group by step_number
having count(distinct step) > 1
union all
select
    'habits' as seed,
    habit as rule,
    'min_distinct_days below 1 or empty, within_days below it or empty, or the name of a feature'
        as problem
from {{ ref('habits') }}
where
    coalesce(min_distinct_days, 0) < 1
    or coalesce(within_days, 0) < min_distinct_days
    or habit like 'uses:%'
union all
select
    'habits' as seed,
    habit as rule,
    'several within_days or what_to_show, or the same evidence twice' as problem
from {{ ref('habits') }}
group by habit
having
    count(distinct within_days) > 1
    or count(distinct coalesce(what_to_show, '')) > 1
    or count(*) > count(distinct activity || ':' || coalesce(detail, '*'))
union all
select
    'exit_reason_groups' as seed,
    stated_reason as rule,
    'stated_reason not in lower case, or with spaces around it' as problem
from {{ ref('exit_reason_groups') }}
where stated_reason <> lower(trim(stated_reason))
union all
select
    'thresholds' as seed,
    'watch_risk' as rule,
    'watch_risk, high_risk and critical_risk do not rise' as problem
from ({{ thresholds(['watch_risk', 'high_risk', 'critical_risk']) }}) as risks
where watch_risk >= high_risk or high_risk >= critical_risk
