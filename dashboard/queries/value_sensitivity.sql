-- One row per points of retention gained and measure: a year's profit, and profit of a lifetime.
with measures as (
    select
        point_count,
        'profit of a year' as measure,
        profit_growth_rate as growth_rate,
        base_count as customer_count,
        is_margin_known
    from marts.retention_sensitivity
    union all
    select
        point_count,
        'profit of a lifetime' as measure,
        lifetime_profit_growth_rate as growth_rate,
        base_count as customer_count,
        is_margin_known
    from marts.retention_sensitivity
)

select
    point_count,
    measure,
    growth_rate,
    customer_count,
    is_margin_known
from measures
where growth_rate is not null
order by measure, point_count
