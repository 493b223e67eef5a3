-- One row per step of the checklist.
select
    step,
    due_day,
    count(*) as customer_count,
    sum(case when is_done then 1 else 0 end) as done_count,
    sum(case when is_done then 1 else 0 end) * 1.0 / count(*) as done_rate,
    avg(peer_completion_rate) as peer_completion_rate,
    sum(case when is_late then 1 else 0 end) as late_count,
    sum(case when is_overdue then 1 else 0 end) as overdue_count,
    sum(case when is_stalled then 1 else 0 end) as stalled_count,
    sum(case when is_sequence_stalled then 1 else 0 end) as stopped_here_count
from marts.onboarding_steps
group by step, step_number, due_day
order by step_number
