-- A model that was tried and not chosen has no r, and no nodes either.
with fits as (
    select distinct
        fit_id,
        model
    from {{ ref('stg_model_parameters') }}
    where family = 'orders' and parameter = 'r'
)

select
    nodes.fit_id,
    nodes.model,
    nodes.x as frequency,
    nodes.p as dropout_probability,
    nodes.weight
from {{ source('ledger', 'model_nodes') }} as nodes
inner join fits on nodes.fit_id = fits.fit_id and nodes.model = fits.model
