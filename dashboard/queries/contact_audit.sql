-- One row per fault in how customers were treated.
with faults as (
    select
        sum(case when touch_count > 0 then 1 else 0 end) as touched_count,
        sum(case when is_pitched_too_early then 1 else 0 end) as early_count,
        sum(case when pitch_count > 0 and is_pitched_too_early is not null then 1 else 0 end)
            as early_judged_count,
        sum(case when is_silent_after_sale then 1 else 0 end) as silent_count,
        count(is_silent_after_sale) as silent_judged_count,
        sum(case when is_asked_twice then 1 else 0 end) as twice_count,
        sum(case when question_count > 0 then 1 else 0 end) as twice_judged_count
    from marts.contact_audit
),

named as (
    select
        1 as fault_rank,
        'pitched too early' as fault,
        early_count as customer_count,
        early_judged_count as judged_count
    from faults
    union all
    select
        2 as fault_rank,
        'silent after the sale' as fault,
        silent_count as customer_count,
        silent_judged_count as judged_count
    from faults
    union all
    select
        3 as fault_rank,
        'asked twice' as fault,
        twice_count as customer_count,
        twice_judged_count as judged_count
    from faults
)

select
    fault,
    customer_count,
    judged_count,
    case when judged_count > 0 then customer_count * 1.0 / judged_count end as customer_share
from named
where judged_count > 0
order by fault_rank
