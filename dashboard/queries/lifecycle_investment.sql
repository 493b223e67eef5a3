-- One row per stage: what it takes to move a customer on.
select
    stage,
    customer_count,
    touch_count,
    advance_count,
    touch_cost,
    touches_per_advance,
    cost_per_advance,
    median_days_to_advance
from marts.stage_investment
order by stage_rank
