with predictions as (
    select
        predictions.*,
        {{ is_event_score('score') }} as is_event
    from {{ ref('int_backtest_predictions') }} as predictions
),

-- Equal predictions are told apart by chance that is the same in every run. The hash is taken once
-- for a customer, not for each prediction of theirs.
customers as (
    select
        customer_id,
        row_number() over (order by {{ dbt.hash('customer_id') }}, customer_id) as tiebreak
    from (select distinct customer_id from predictions) as names
),

-- Few outcomes differ, for most customers buy nothing: each is ranked once.
outcomes as (
    select
        score,
        method,
        cutoff_date,
        observed,
        cast(sum(count(*)) over (
            partition by score, method, cutoff_date order by observed rows unbounded preceding
        ) as double precision) - cast(count(*) - 1 as double precision) / 2 as observed_rank
    from predictions
    where not is_event
    group by score, method, cutoff_date, observed
),

ranked as (
    select
        predictions.score,
        predictions.method,
        predictions.horizon_days,
        predictions.cutoff_date,
        predictions.is_event,
        predictions.predicted,
        predictions.observed,
        outcomes.observed_rank,
        {{ mid_rank('by_predicted') }} as predicted_rank,
        ntile(10) over (
            partition by predictions.score, predictions.method, predictions.cutoff_date
            order by predictions.predicted desc, customers.tiebreak asc
        ) as decile
    from predictions
    inner join customers on predictions.customer_id = customers.customer_id
    left join outcomes
        on predictions.score = outcomes.score
        and predictions.method = outcomes.method
        and predictions.cutoff_date = outcomes.cutoff_date
        and predictions.observed = outcomes.observed
    -- No tiebreaker: equal predictions must rank equally.
    window by_predicted as (
        partition by predictions.score, predictions.method, predictions.cutoff_date
        order by predictions.predicted
    )
),

totals as (
    select
        score,
        method,
        horizon_days,
        cutoff_date,
        is_event,
        count(*) as customer_count,
        cast(count(*) as double precision) as customers,
        avg(predicted) as predicted_mean,
        avg(observed) as observed_mean,
        sum(predicted) as predicted_sum,
        sum(observed) as observed_sum,
        avg((predicted - observed) * (predicted - observed)) as squared_error,
        avg(abs(predicted - observed)) as absolute_error,
        sum(observed * predicted_rank) as event_rank_sum,
        sum(predicted_rank * observed_rank) as rank_product_sum,
        sum(predicted_rank * predicted_rank) as predicted_square_sum,
        sum(observed_rank * observed_rank) as observed_square_sum,
        sum(case when decile = 1 then observed end) as top_decile_sum,
        min(predicted) < max(predicted) as is_predicted_varied,
        min(observed) < max(observed) as is_observed_varied
    from ranked
    group by score, method, horizon_days, cutoff_date, is_event
),

tenths as (
    select
        score,
        method,
        horizon_days,
        cutoff_date,
        decile,
        count(*) as customer_count,
        avg(predicted) as predicted_mean,
        avg(observed) as observed_mean
    from ranked
    group by score, method, horizon_days, cutoff_date, decile
)

select
    score,
    method,
    horizon_days,
    cast(null as integer) as decile,
    customer_count,
    predicted_mean,
    observed_mean,
    cast(null as double precision) as lift,
    -- Mann and Whitney: of the pairs, one with the event and one without, those in order.
    case when is_event and is_observed_varied then (
        event_rank_sum - observed_sum * (observed_sum + 1) / 2
    ) / (observed_sum * (customers - observed_sum)) end as auc,
    case when is_event then squared_error end as brier,
    case when not is_event then absolute_error end as mae,
    case when not is_event then sqrt(squared_error) end as rmse,
    -- Pearson's correlation of the ranks, whose mean is (n + 1) / 2.
    case when not is_event and is_observed_varied and is_predicted_varied then (
        rank_product_sum - customers * (customers + 1) * (customers + 1) / 4
    ) / sqrt(
        (predicted_square_sum - customers * (customers + 1) * (customers + 1) / 4)
        * (observed_square_sum - customers * (customers + 1) * (customers + 1) / 4)
    ) end as spearman,
    predicted_sum / nullif(observed_sum, 0) - 1 as total_error_rate,
    top_decile_sum / nullif(observed_sum, 0) as top_decile_capture,
    cutoff_date
from totals
union all
select
    tenths.score,
    tenths.method,
    tenths.horizon_days,
    cast(tenths.decile as integer) as decile,
    tenths.customer_count,
    tenths.predicted_mean,
    tenths.observed_mean,
    tenths.observed_mean / nullif(totals.observed_mean, 0) as lift,
    {%- for metric in [
        'auc', 'brier', 'mae', 'rmse', 'spearman', 'total_error_rate', 'top_decile_capture',
    ] %}
    cast(null as double precision) as {{ metric }},
    {%- endfor %}
    tenths.cutoff_date
from tenths
inner join totals
    on tenths.score = totals.score
    and tenths.method = totals.method
    and tenths.cutoff_date = totals.cutoff_date
