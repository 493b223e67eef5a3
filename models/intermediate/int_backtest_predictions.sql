with backtests as (
    select * from {{ ref('int_backtest_events') }}
    union all
    select * from {{ ref('int_backtest_amounts') }}
)

{% for method in backtest_methods() -%}
select
    customer_id,
    score,
    '{{ method }}' as method,
    horizon_days,
    {{ method }} as predicted,
    observed,
    cutoff_date
from backtests
where {{ method }} is not null
union all
{% endfor -%}
select
    customer_id,
    score,
    method,
    horizon_days,
    predicted,
    observed,
    cutoff_date
from {{ ref('int_backtest_suggestions') }}
where rank = 1
