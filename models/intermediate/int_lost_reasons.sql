{#- Why a customer who is lost today left, in their own words. -#}
with losses as (
    select * from {{ ref('int_lost_intervals') }} where until_date is null
),

{{ stated_reason_ctes(['customer_id']) }}

select
    customer_id,
    reason,
    reason_source,
    stated_reason,
    competitor,
    is_winnable
from stated_reasons
