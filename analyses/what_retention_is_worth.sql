-- What is one more point of retention worth, next to the claim that five of them add 25-125 % of
-- profit? A year's profit, and the profit of a customer over all years to come; each row also says
-- what the last point of it added. Null where fewer than 30 customers paid the year before last.
select
    point_count,
    retention_rate,
    added_customer_count,
    added_profit,
    added_profit - lag(added_profit) over (order by point_count) as last_point_profit,
    profit_growth_rate,
    lifetime_profit,
    lifetime_profit - lag(lifetime_profit) over (order by point_count)
        as last_point_lifetime_profit,
    lifetime_profit_growth_rate,
    claimed_growth_low,
    claimed_growth_high,
    case
        when lifetime_profit_growth_rate < claimed_growth_low then 'below the claim'
        when lifetime_profit_growth_rate > claimed_growth_high then 'above the claim'
        when lifetime_profit_growth_rate between claimed_growth_low and claimed_growth_high
            then 'within the claim'
    end as claim_position,
    base_count,
    base_days,
    margin_rate,
    is_margin_known
from {{ ref('retention_sensitivity') }}
order by point_count
