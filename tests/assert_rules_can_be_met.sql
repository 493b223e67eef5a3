-- A rule that nothing can ever meet is a slip: evidence on no day, a step due never or under two
-- names, a reason in capitals or with spaces around it, which no stated reason in lower case is, a
-- level of risk that does not lie above the one before.
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
