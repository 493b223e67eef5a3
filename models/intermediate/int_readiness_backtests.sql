{#- Did those who were ready buy something new? The columns of int_backtest_metrics, for all
    customers of a cut-off: a score of five steps has no tenths. -#}
{%- set horizon = 90 -%}
{%- set methods = ['model', 'recency_rule'] -%}
-- Where no risk was known of anybody there was no score yet.
with cutoffs as (
    select distinct cutoff_number
    from {{ ref('int_churn_scores') }}
    where cutoff_number > 0
),

owners as (
    select
        readiness.customer_id,
        readiness.cutoff_number,
        readiness.readiness_score,
        readiness.is_ready,
        snapshots.days_since_purchase,
        readiness.cutoff_date,
        cast({{ dbt.dateadd('day', horizon, 'readiness.cutoff_date') }} as date) as end_date
    from {{ ref('int_readiness') }} as readiness
    inner join {{ ref('int_customer_snapshots') }} as snapshots
        on readiness.customer_id = snapshots.customer_id
        and readiness.cutoff_number = snapshots.cutoff_number
    inner join cutoffs on readiness.cutoff_number = cutoffs.cutoff_number
),

items as (
    select
        customer_id,
        detail as product_id,
        activity_date,
        voided_date
    from {{ ref('int_customer_activities') }}
    where activity = 'item_bought'
),

owned as (
    select distinct
        owners.customer_id,
        owners.cutoff_number,
        items.product_id
    from owners
    inner join items on owners.customer_id = items.customer_id
    where {{ known_on('items', 'owners.cutoff_date') }}
),

buyers as (
    select distinct
        owners.customer_id,
        owners.cutoff_number
    from owners
    inner join items
        on
            owners.customer_id = items.customer_id
            and {{ known_on('items', 'owners.end_date') }}
    left join owned
        on owners.customer_id = owned.customer_id
        and owners.cutoff_number = owned.cutoff_number
        and items.product_id = owned.product_id
    where items.activity_date > owners.cutoff_date and owned.product_id is null
),

measured as (
    select
        owners.customer_id,
        owners.cutoff_date,
        owners.is_ready,
        owners.readiness_score as model,
        -- The later the last purchase, the higher; who never bought comes last.
        coalesce(1 / (1 + cast(owners.days_since_purchase as double precision)), 0)
            as recency_rule,
        cast(case when buyers.customer_id is null then 0 else 1 end as double precision)
            as observed
    from owners
    left join buyers
        on owners.customer_id = buyers.customer_id
        and owners.cutoff_number = buyers.cutoff_number
),

predictions as (
    {% for method in methods -%}
    select
        '{{ method }}' as method,
        cutoff_date,
        {{ 'is_ready' if method == 'model' else 'false' }} as is_chosen,
        cast({{ method }} as double precision) as predicted,
        observed
    from measured
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select
        predictions.*,
        {{ mid_rank('by_predicted') }} as predicted_rank
    from predictions
    -- No tiebreaker: equal predictions must rank equally.
    window by_predicted as (partition by method, cutoff_date order by predicted)
),

totals as (
    select
        method,
        cutoff_date,
        count(*) as customer_count,
        cast(count(*) as double precision) as customers,
        avg(observed) as observed_mean,
        sum(observed) as observed_sum,
        avg(case when is_chosen then observed end) as chosen_mean,
        sum(observed * predicted_rank) as event_rank_sum
    from ranked
    group by method, cutoff_date
)

select
    'readiness_score' as score,
    method,
    {{ horizon }} as horizon_days,
    cast(null as integer) as decile,
    customer_count,
    cast(null as double precision) as predicted_mean,
    observed_mean,
    chosen_mean / nullif(observed_mean, 0) as lift,
    -- Mann and Whitney, as in int_backtest_metrics.
    (event_rank_sum - observed_sum * (observed_sum + 1) / 2)
    / nullif(observed_sum * (customers - observed_sum), 0) as auc,
    {%- for metric in [
        'brier', 'mae', 'rmse', 'spearman', 'total_error_rate', 'top_decile_capture',
    ] %}
    cast(null as double precision) as {{ metric }},
    {%- endfor %}
    cutoff_date
from totals
