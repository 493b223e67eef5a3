{#- Whether customers use what they have, on the as-of date and on the days of the backtests. -#}
with limits as (
    {{ thresholds(['adoption_window_days', 'adopted_feature_share', 'adopted_week_count']) }}
),

moments as (
    select
        customer_id,
        cutoff_number as moment,
        cutoff_date as day,
        purchase_day_count,
        days_since_purchase
    from {{ ref('int_customer_snapshots') }}
    where {{ is_readiness_cutoff('cutoff_number') }}
),

{{ adoption_ctes() }}

select
    customer_id,
    moment as cutoff_number,
    adoption_basis,
    is_adopted,
    day as cutoff_date
from adoption
