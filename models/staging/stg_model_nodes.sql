with current_fits as (
    select distinct
        fit_id,
        model
    from {{ ref('stg_model_parameters') }}
    where is_current and family = 'orders' and parameter = 'r'
)

select
    nodes.fit_id,
    nodes.model,
    nodes.x as frequency,
    nodes.p as dropout_probability,
    nodes.weight
from {{ source('ledger', 'model_nodes') }} as nodes
inner join current_fits
    on nodes.fit_id = current_fits.fit_id and nodes.model = current_fits.model
