with fits as (
    select * from {{ ref('int_cutoff_fits') }} where family in ('orders', 'spend')
),

parameters as (
    select * from {{ ref('stg_model_parameters') }}
),

nodes as (
    select
        fit_id,
        model,
        max(frequency) as largest_frequency
    from {{ ref('stg_model_nodes') }}
    group by fit_id, model
),

fitted as (
    select
        fits.cutoff_number,
        fits.cutoff_date,
        max(case when fits.family = 'orders' then fits.fit_id end) as orders_fit_id,
        max(case when fits.family = 'orders' then fits.model end) as orders_model,
        max(case when fits.family = 'spend' then fits.model end) as spend_model
        {%- for parameter in ['r', 'alpha', 'a', 'b'] %},
        max(case
            when fits.family = 'orders' and parameters.parameter = '{{ parameter }}'
                then parameters.value
        end) as {{ parameter }}
        {%- endfor %}
        {%- for model, names in {
            'gamma_gamma': ['p', 'q', 'gamma'], 'mean_spend': ['mean'],
        }.items() %}
        {%- for parameter in names %},
        max(case
            when fits.model = '{{ model }}' and parameters.parameter = '{{ parameter }}'
                then parameters.value
        end) as spend_{{ parameter }}
        {%- endfor %}
        {%- endfor %}
    from fits
    inner join parameters
        on fits.fit_id = parameters.fit_id and fits.model = parameters.model
    group by fits.cutoff_number, fits.cutoff_date
)

select
    fitted.cutoff_number,
    fitted.orders_fit_id,
    fitted.orders_model,
    fitted.spend_model,
    fitted.r,
    fitted.alpha,
    fitted.a,
    fitted.b,
    -- What b + x is raised by: in MBG/NBD one may drop out right after the first purchase.
    cast(case when fitted.orders_model = 'mbg_nbd' then 1 else 0 end as double precision)
        as dropout_shift,
    fitted.spend_p,
    fitted.spend_q,
    fitted.spend_gamma,
    fitted.spend_mean,
    nodes.largest_frequency,
    fitted.cutoff_date
from fitted
inner join nodes
    on fitted.orders_fit_id = nodes.fit_id and fitted.orders_model = nodes.model
