with found as (
    select * from {{ ref('int_backtest_metrics') }}
    union all
    select * from {{ ref('int_readiness_backtests') }}
),

metrics as (
    select
        metrics.*,
        hits.new_buyer_count,
        hits.hit_rate_1,
        hits.hit_rate_3,
        coalesce(metrics.brier, metrics.rmse) as error,
        -- A suggestion is good when it is what was bought: each customer has products of their own,
        -- so the order of customers by probability says little of it.
        case
            when metrics.score = 'next_product_probability' then hits.hit_rate_3
            else coalesce(metrics.auc, metrics.spearman)
        end as ranking
    from found as metrics
    left join {{ ref('int_backtest_hits') }} as hits
        on
            metrics.score = hits.score
            and metrics.method = hits.method
            and metrics.cutoff_date = hits.cutoff_date
            and metrics.decile is null
),

calendar as (
    select * from {{ ref('stg_calendar') }}
),

-- What of a cut-off is to be compared. A method that foretells the same of everybody ranks nobody:
-- it counts as chance, which is 0 for a correlation. (AUC is 0.5 then by itself.)
comparable as (
    select
        score,
        method,
        cutoff_date,
        error,
        case
            when max(ranking) over (partition by score, cutoff_date) is not null
                then coalesce(ranking, 0)
        end as ranking,
        -- Settles a tie in ranking; the same for all of the other scores.
        coalesce(hit_rate_1, 0) as second_ranking
    from metrics
    where decile is null
),

rules as (
    select
        score,
        cutoff_date,
        min(error) as error,
        max(ranking) as ranking,
        max(second_ranking) as second_ranking
    from comparable
    where method <> 'model'
    group by score, cutoff_date
),

judged as (
    select
        models.score,
        models.method,
        models.cutoff_date,
        -- Sums differ in their last digits with the order of adding: a billionth is a tie.
        models.error < rules.error * (1 - 1e-9) as is_more_accurate,
        models.ranking > rules.ranking + 1e-9
        or (
            abs(models.ranking - rules.ranking) <= 1e-9
            and models.second_ranking > rules.second_ranking + 1e-9
        ) as is_better_ranked
    from comparable as models
    inner join rules
        on models.score = rules.score
        and models.cutoff_date = rules.cutoff_date
    where models.method = 'model'
)

select
    metrics.score,
    metrics.method,
    metrics.horizon_days,
    metrics.decile,
    metrics.customer_count,
    metrics.predicted_mean,
    metrics.observed_mean,
    metrics.lift,
    metrics.auc,
    metrics.brier,
    metrics.mae,
    metrics.rmse,
    metrics.spearman,
    metrics.total_error_rate,
    metrics.top_decile_capture,
    metrics.new_buyer_count,
    metrics.hit_rate_1,
    metrics.hit_rate_3,
    judged.is_more_accurate,
    judged.is_better_ranked,
    metrics.cutoff_date,
    calendar.as_of_date
from metrics
cross join calendar
left join judged
    on metrics.score = judged.score
    and metrics.method = judged.method
    and metrics.cutoff_date = judged.cutoff_date
    and metrics.decile is null
