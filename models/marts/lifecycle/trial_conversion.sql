with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

trials as (
    select
        trials.*,
        cast({{ dbt.date_trunc('month', 'trials.started_date') }} as date) as month,
        trials.outcome <> 'existing_customer' as is_newcomer,
        trials.outcome = 'bought'
        and trials.bought_date <= trials.window_end_date as is_bought_in_window,
        case
            when trials.outcome = 'bought'
                then {{ days_between('trials.started_date', 'trials.bought_date') }}
        end as days_to_buy
    from {{ ref('int_trials') }} as trials
),

months as (
    select
        trials.trial_kind,
        trials.month,
        count(case when trials.is_newcomer then 1 end) as started_count,
        count(case when trials.outcome = 'bought' then 1 end) as bought_count,
        count(case when trials.is_bought_in_window then 1 end) as bought_in_window_count,
        count(case when trials.outcome = 'declined' then 1 end) as declined_count,
        count(case when trials.outcome = 'undecided' then 1 end) as undecided_count,
        count(case
            when
                trials.outcome = 'undecided' and trials.window_end_date < calendar.as_of_date then 1
        end) as undecided_overdue_count,
        count(case when trials.is_newcomer and trials.is_value_seen then 1 end)
            as value_seen_count,
        count(case when trials.is_bought_in_window and trials.is_value_seen then 1 end)
            as bought_with_value_count,
        count(case when not trials.is_newcomer then 1 end) as existing_customer_count,
        percentile_cont(0.5) within group (order by cast(trials.days_to_buy as double precision))
            as median_days_to_buy,
        count(case
            when trials.is_newcomer and trials.window_end_date > calendar.as_of_date then 1
        end) as open_window_count
    from trials
    cross join calendar
    group by trials.trial_kind, trials.month
)

select
    months.trial_kind,
    months.month,
    months.started_count,
    months.bought_count,
    months.bought_in_window_count,
    months.declined_count,
    months.undecided_count,
    months.undecided_overdue_count,
    months.value_seen_count,
    months.bought_with_value_count,
    months.existing_customer_count,
    months.bought_in_window_count
    / cast(nullif(months.started_count, 0) as double precision) as conversion_rate,
    months.value_seen_count
    / cast(nullif(months.started_count, 0) as double precision) as value_seen_rate,
    months.bought_with_value_count
    / cast(nullif(months.value_seen_count, 0) as double precision) as conversion_rate_with_value,
    (months.bought_in_window_count - months.bought_with_value_count)
    / cast(nullif(months.started_count - months.value_seen_count, 0) as double precision)
        as conversion_rate_without_value,
    months.median_days_to_buy,
    months.open_window_count = 0
    and cast({{ dbt.last_day('months.month', 'month') }} as date)
    <= calendar.as_of_date as is_mature,
    calendar.as_of_date
from months
cross join calendar
