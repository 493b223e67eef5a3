{{ config(materialized='view') }}

with snapshots as (
    select * from {{ ref('int_customer_snapshots') }}
)

select
    customer_id,
    cutoff_number,
    churn_basis,
    {%- for feature, transformed in churn_features('snapshots').items() %}
    {{ transformed }} as {{ feature }},
    {%- endfor %}
    cutoff_date
from snapshots
