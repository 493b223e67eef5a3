-- One row per gate before an offer and how customers stand before it.
with counted as (
    select
        is_adopted,
        is_satisfied,
        is_healthy,
        has_open_complaint,
        is_recently_pitched,
        count(*) as customer_count
    from marts.cross_sell_readiness
    group by is_adopted, is_satisfied, is_healthy, has_open_complaint, is_recently_pitched
),

gates as (
    select
        1 as gate_rank,
        'uses what they have' as gate,
        is_adopted as is_passed,
        customer_count
    from counted
    union all
    select
        2 as gate_rank,
        'satisfied' as gate,
        is_satisfied as is_passed,
        customer_count
    from counted
    union all
    select
        3 as gate_rank,
        'no open complaint' as gate,
        not has_open_complaint as is_passed,
        customer_count
    from counted
    union all
    select
        4 as gate_rank,
        'not about to leave' as gate,
        is_healthy as is_passed,
        customer_count
    from counted
    union all
    select
        5 as gate_rank,
        'not pitched lately' as gate,
        not is_recently_pitched as is_passed,
        customer_count
    from counted
)

select
    gate,
    case
        when is_passed is null then 'unknown'
        when is_passed then 'passed'
        else 'stopped'
    end as result,
    sum(customer_count) as customer_count
from gates
group by gate_rank, gate, is_passed
order by gate_rank, result
