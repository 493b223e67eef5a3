with features as (
    select * from {{ ref('int_churn_features') }}
),

parameters as (
    select * from {{ ref('int_churn_parameters') }}
),

scored as (
    select
        features.customer_id,
        features.cutoff_number,
        features.churn_basis,
        parameters.fit_id,
        features.cutoff_date,
        parameters.intercept
        {%- for feature in churn_features('features') %}
        + {{ churn_contribution(feature, 'features.' ~ feature, 'parameters') }}
        {%- endfor %} as log_odds
    from features
    inner join parameters
        on features.cutoff_number = parameters.cutoff_number
        and features.churn_basis = parameters.churn_basis
)

select
    customer_id,
    cutoff_number,
    churn_basis,
    fit_id,
    -- PostgreSQL raises on overflow, hence the bounds.
    1 / (1 + exp(least(700, greatest(-700, -log_odds)))) as churn_probability,
    cutoff_date
from scored
