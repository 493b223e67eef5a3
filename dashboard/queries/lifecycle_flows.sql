-- One row per stage left and stage entered, of changes in the 365 days up to the as-of date.
select
    from_stage,
    to_stage,
    count(*) as change_count,
    count(distinct customer_id) as customer_count,
    max(case when is_setback then 1 else 0 end) = 1 as is_setback
from marts.stage_transitions
where changed_date > as_of_date - interval '365' day
group by from_stage, to_stage
order by min(from_rank), min(to_rank)
