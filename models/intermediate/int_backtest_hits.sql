with offered as (
    select
        score,
        method,
        cutoff_date,
        customer_id,
        max(case when rank = 1 then observed else 0 end) as first_hit,
        max(observed) as any_hit
    from {{ ref('int_backtest_suggestions') }}
    where is_new_buyer
    group by score, method, cutoff_date, customer_id
)

select
    score,
    method,
    count(*) as new_buyer_count,
    avg(first_hit) as hit_rate_1,
    avg(any_hit) as hit_rate_3,
    cutoff_date
from offered
group by score, method, cutoff_date
