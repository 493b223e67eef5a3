-- The last month of a customer and customer_lifecycle tell the same: both are of the as-of date.
select
    lifecycle.customer_id,
    lifecycle.stage,
    months.stage as last_month_stage,
    lifecycle.state,
    months.state as last_month_state
from {{ ref('customer_lifecycle') }} as lifecycle
inner join {{ ref('customer_months') }} as months
    on lifecycle.customer_id = months.customer_id
    and months.month = cast({{ dbt.date_trunc('month', 'lifecycle.as_of_date') }} as date)
where
    lifecycle.stage <> months.stage
    or lifecycle.stage_rank <> months.stage_rank
    or lifecycle.state <> months.state
