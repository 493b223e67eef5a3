{#- What speaks most for leaving, in words. Contributions stay columns: as rows they would be twelve
    for each customer, to be ranked. -#}
{%- set features = churn_features('snapshots') -%}
{%- set names = features | sort -%}
with snapshots as (
    select * from {{ ref('int_customer_snapshots') }} where is_as_of
),

parameters as (
    select * from {{ ref('int_churn_parameters') }} where cutoff_number = 0
),

-- A figure speaks for leaving above the mean where its coefficient is positive, else below it.
wordings as (
    select
        parameters.churn_basis,
        reasons.feature,
        reasons.reason
    from parameters
    inner join {{ ref('stg_model_parameters') }} as coefficients
        on
            parameters.fit_id = coefficients.fit_id
            and coefficients.model = 'churn_' || parameters.churn_basis
    inner join {{ ref('churn_reasons') }} as reasons
        on
            coefficients.parameter = reasons.feature
            and reasons.direction = case when coefficients.value > 0 then 'high' else 'low' end
),

-- What speaks for staying is no reason: it counts as 0.
rest_1 as (
    select
        snapshots.customer_id
        {%- for name in names %},
        greatest(
            {{ churn_contribution(name, features[name], 'parameters') }}, 0
        ) as {{ name }}
        {%- endfor %}
    from snapshots
    inner join parameters on snapshots.churn_basis = parameters.churn_basis
),

{% for place in [1, 2, 3] -%}
measured_{{ place }} as (
    select
        rest_{{ place }}.*,
        greatest({{ names | join(', ') }}) as largest
    from rest_{{ place }}
),

-- In the order of the names, which settles ties.
named_{{ place }} as (
    select
        measured_{{ place }}.*,
        case
            when largest = 0 then null
            {%- for name in names %}
            when {{ name }} = largest then '{{ name }}'
            {%- endfor %}
        end as feature_{{ place }}
    from measured_{{ place }}
),

rest_{{ place + 1 }} as (
    select
        customer_id
        {%- for earlier in range(1, place + 1) %},
        feature_{{ earlier }}
        {%- endfor %}
        {%- for name in names %},
        case when feature_{{ place }} = '{{ name }}' then 0 else {{ name }} end as {{ name }}
        {%- endfor %}
    from named_{{ place }}
),

{% endfor -%}
figures as (
    select
        snapshots.customer_id,
        snapshots.churn_basis
        {%- for place in [1, 2, 3] %},
        rest_4.feature_{{ place }},
        case rest_4.feature_{{ place }}
            {%- for name in names %}
            when '{{ name }}' then {{ churn_figure(name, 'snapshots') }}
            {%- endfor %}
        end as figure_{{ place }}
        {%- endfor %}
    from rest_4
    inner join snapshots on rest_4.customer_id = snapshots.customer_id
)

select
    figures.customer_id
    {%- for place in [1, 2, 3] %},
    replace(wordings_{{ place }}.reason, '{value}', figures.figure_{{ place }})
        as reason_{{ place }}
    {%- endfor %}
from figures
{%- for place in [1, 2, 3] %}
left join wordings as wordings_{{ place }}
    on
        figures.churn_basis = wordings_{{ place }}.churn_basis
        and figures.feature_{{ place }} = wordings_{{ place }}.feature
{%- endfor %}
