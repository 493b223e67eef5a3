-- Which step of the onboarding loses newcomers? Of those who are past a step's due day: how many
-- did it, and how many of those who did, and who did not, are lost or silent today.
with steps as (
    select
        onboarding.step_number,
        onboarding.step,
        onboarding.is_done,
        lifecycle.state in ('lost', 'dormant') as is_gone
    from {{ ref('onboarding_steps') }} as onboarding
    inner join {{ ref('customer_lifecycle') }} as lifecycle
        on onboarding.customer_id = lifecycle.customer_id
    where onboarding.age_days > onboarding.due_day
)

select
    step_number,
    step,
    count(*) as newcomer_count,
    count(case when is_done then 1 end) as done_count,
    count(case when is_done and is_gone then 1 end)
    / cast(nullif(count(case when is_done then 1 end), 0) as double precision)
        as gone_rate_of_done,
    count(case when not is_done and is_gone then 1 end)
    / cast(nullif(count(case when not is_done then 1 end), 0) as double precision)
        as gone_rate_of_not_done,
    count(case when not is_done and is_gone then 1 end) as gone_without_it_count
from steps
group by step_number, step
order by gone_without_it_count desc, step_number asc
