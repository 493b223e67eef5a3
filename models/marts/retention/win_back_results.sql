with episodes as (
    select
        episodes.*,
        cast({{ dbt.date_trunc('month', 'contact_date') }} as date) as month
    from {{ ref('int_win_back_episodes') }} as episodes
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

benchmark as (
    select
        max(cast(low as double precision)) as low,
        max(cast(high as double precision)) as high
    from {{ ref('benchmarks') }}
    where claim = 'win_back_rate'
),

counted as (
    select
        month,
        count(case when not is_control then 1 end) as contacted_count,
        count(case when not is_control and is_lost then 1 end) as lost_contacted_count,
        count(case when not is_control and is_won_back then 1 end) as won_back_count,
        count(case when is_control then 1 end) as control_count,
        count(case when is_control and is_won_back then 1 end) as control_won_back_count,
        max(window_end_date) as last_window_end_date
    from episodes
    group by month
),

months as (
    select
        counted.month,
        counted.contacted_count,
        counted.lost_contacted_count,
        counted.won_back_count,
        counted.control_count,
        counted.control_won_back_count,
        -- The month itself must be over as well: more contacts may come.
        counted.last_window_end_date <= calendar.as_of_date
        and cast({{ dbt.last_day('counted.month', 'month') }} as date) <= calendar.as_of_date
            as is_mature
    from counted
    cross join calendar
),

all_rows as (
    select * from months
    union all
    select
        cast(null as date) as month,
        cast(sum(contacted_count) as bigint) as contacted_count,
        cast(sum(lost_contacted_count) as bigint) as lost_contacted_count,
        cast(sum(won_back_count) as bigint) as won_back_count,
        cast(sum(control_count) as bigint) as control_count,
        cast(sum(control_won_back_count) as bigint) as control_won_back_count,
        true as is_mature
    from months
    where is_mature
    having count(*) > 0
),

rates as (
    select
        all_rows.*,
        case when is_mature then {{ proportion('won_back_count', 'contacted_count') }} end
            as win_back_rate,
        case when is_mature then {{ proportion('control_won_back_count', 'control_count') }} end
            as control_win_back_rate,
        {% for sign, side in [('-', 'low'), ('+', 'high')] -%}
        case
            when is_mature
                then {{ newcombe_bound(
                    'won_back_count', 'contacted_count',
                    'control_won_back_count', 'control_count', sign,
                ) }}
        end as uplift_{{ side }}{{ ',' if not loop.last }}
        {% endfor %}
    from all_rows
)

select
    rates.month,
    rates.contacted_count,
    rates.lost_contacted_count,
    rates.won_back_count,
    rates.control_count,
    rates.control_won_back_count,
    rates.win_back_rate,
    rates.control_win_back_rate,
    rates.win_back_rate - rates.control_win_back_rate as uplift,
    rates.uplift_low,
    rates.uplift_high,
    benchmark.low as benchmark_low,
    benchmark.high as benchmark_high,
    case
        when rates.win_back_rate < benchmark.low then 'below'
        when rates.win_back_rate > benchmark.high then 'above'
        when rates.win_back_rate between benchmark.low and benchmark.high then 'within'
    end as benchmark_position,
    case
        when not rates.is_mature then 'too_early'
        when rates.contacted_count = 0 or rates.control_count = 0 then 'no_control'
        when rates.uplift_low > 0 then 'uplift_shown'
        when rates.uplift_high < 0 then 'loss_shown'
        else 'no_uplift_shown'
    end as conclusion,
    rates.is_mature,
    calendar.as_of_date
from rates
cross join calendar
cross join benchmark
