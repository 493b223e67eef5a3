{#- An event is foretold by its model, by what became of customers as silent as this one a horizon
    earlier (known on this day, not before), and by what this one did in the last 90 days. -#}
{%- set horizon = 90 -%}
{%- set numbers = cutoff_calendar().backtests[horizon] -%}
{%- set earlier = horizon // cutoff_calendar().step_days -%}
with snapshots as (
    select * from {{ ref('int_customer_snapshots') }}
    where cutoff_number between {{ numbers[0] }} and {{ numbers[1] + earlier }}
),

outcomes as (
    select * from {{ ref('int_snapshot_outcomes') }}
),

-- Who a score is of, and what happened. Who is lost already is no news.
observed as (
    select
        case
            when snapshots.churn_basis = 'contract' then 'contract_churn_probability_90d'
            else 'churn_probability_90d'
        end as score,
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.cutoff_date,
        {{ silence_band('snapshots.days_silent') }} as band,
        snapshots.churn_basis <> 'contract' and snapshots.days_silent >= 90 as is_repeated,
        outcomes.is_churned as has_happened
    from snapshots
    inner join outcomes
        on snapshots.customer_id = outcomes.customer_id
        and snapshots.cutoff_number = outcomes.cutoff_number
    where snapshots.churn_basis = 'contract' or not snapshots.is_lost
    union all
    select
        'order_probability_90d' as score,
        snapshots.customer_id,
        snapshots.cutoff_number,
        snapshots.cutoff_date,
        {{ silence_band('snapshots.days_since_purchase') }} as band,
        snapshots.purchase_days_90d > 0 as is_repeated,
        outcomes.purchase_days_next_90d > 0 as has_happened
    from snapshots
    inner join outcomes
        on snapshots.customer_id = outcomes.customer_id
        and snapshots.cutoff_number = outcomes.cutoff_number
    where snapshots.frequency is not null
),

measured as (
    select
        observed.*,
        cast(case when has_happened then 1 else 0 end as double precision) as observed
    from observed
),

band_rates as (
    select
        score,
        cutoff_number,
        band,
        avg(observed) as event_rate
    from measured
    group by score, cutoff_number, band
),

overall_rates as (
    select
        score,
        cutoff_number,
        avg(observed) as event_rate
    from measured
    group by score, cutoff_number
),

models as (
    select
        case
            when churn_basis = 'contract' then 'contract_churn_probability_90d'
            else 'churn_probability_90d'
        end as score,
        customer_id,
        cutoff_number,
        churn_probability as predicted
    from {{ ref('int_churn_scores') }}
    union all
    select
        'order_probability_90d' as score,
        customer_id,
        cutoff_number,
        order_probability as predicted
    from {{ ref('int_backtest_forecasts') }}
    where horizon_days = {{ horizon }}
)

select
    measured.customer_id,
    measured.score,
    measured.cutoff_number,
    {{ horizon }} as horizon_days,
    models.predicted as model,
    -- A band without customers then takes the rate of all; without any of them there is no rule.
    coalesce(band_rates.event_rate, overall_rates.event_rate) as recency_rule,
    cast(case when measured.is_repeated then 1 else 0 end as double precision)
        as last_period_repeated,
    measured.observed,
    measured.cutoff_date
from measured
inner join models
    on measured.score = models.score
    and measured.customer_id = models.customer_id
    and measured.cutoff_number = models.cutoff_number
left join band_rates
    on measured.score = band_rates.score
    and measured.cutoff_number + {{ earlier }} = band_rates.cutoff_number
    and measured.band = band_rates.band
left join overall_rates
    on measured.score = overall_rates.score
    and measured.cutoff_number + {{ earlier }} = overall_rates.cutoff_number
where measured.cutoff_number <= {{ numbers[1] }}
