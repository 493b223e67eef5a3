{#- What a play is worth in money, where it was tried on the user's own data: against contacts
    withheld, or, for offers, by a backtest that beat popularity. -#}
with plays as (
    select * from {{ ref('plays') }}
),

effects as (
    select
        purpose,
        revenue_uplift
    from {{ ref('touch_effects') }}
    where segment = 'all' and conclusion = 'uplift_shown' and revenue_uplift > 0
),

backtests as (
    select
        count(case when is_more_accurate then 1 end) as won_count,
        count(*) as cutoff_count
    from {{ ref('score_backtests') }}
    where score = 'next_product_probability' and method = 'model' and decile is null
)

select
    plays.play,
    case
        when effects.purpose is not null then 'control_group'
        when plays.sign = 'ready' and backtests.won_count * 2 > backtests.cutoff_count
            then 'backtest'
    end as effect_basis,
    cast(effects.revenue_uplift as decimal(18, 2)) as effect_amount
from plays
cross join backtests
left join effects on plays.purpose = effects.purpose
