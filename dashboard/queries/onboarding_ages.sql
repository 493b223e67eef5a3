-- One row per step of the checklist and age of the customer: done against peers of the same age.
with aged as (
    select
        step,
        step_number,
        is_done,
        peer_completion_rate,
        case
            when age_days <= 30 then '0-30'
            when age_days <= 60 then '31-60'
            when age_days <= 90 then '61-90'
            when age_days <= 180 then '91-180'
            else '181+'
        end as age
    from marts.onboarding_steps
)

select
    step,
    age,
    count(*) as customer_count,
    sum(case when is_done then 1 else 0 end) * 1.0 / count(*) as done_rate,
    avg(peer_completion_rate) as peer_completion_rate
from aged
group by step, step_number, age
order by step_number, age
