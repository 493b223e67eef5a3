{#- The models of churn as columns, so that scoring is one join. -#}
{%- set backtest = cutoff_calendar().backtests[90] -%}
with fits as (
    select
        cutoff_number,
        case when family = 'churn_contract' then 'contract' else 'activity' end as churn_basis,
        model,
        fit_id
    from {{ ref('int_cutoff_fits') }}
    where
        family in ('churn_activity', 'churn_contract')
        and (cutoff_number = 0 or cutoff_number between {{ backtest | join(' and ') }})
)

select
    fits.cutoff_number,
    fits.churn_basis,
    fits.fit_id,
    max(case when parameters.parameter = 'intercept' then parameters.value end) as intercept
    {%- for feature in churn_features('snapshots') %}
    {%- for part, suffix in [('coefficient', ''), ('mean', ':mean'), ('scale', ':scale')] %},
    max(case
        when parameters.parameter = '{{ feature ~ suffix }}' then parameters.value
    end) as {{ feature }}_{{ part }}
    {%- endfor %}
    {%- endfor %}
from fits
inner join {{ ref('stg_model_parameters') }} as parameters
    on fits.fit_id = parameters.fit_id and fits.model = parameters.model
group by fits.cutoff_number, fits.churn_basis, fits.fit_id
