-- customers and customer_lifecycle hold the same customers with the same labels.
select
    customers.customer_id,
    lifecycle.customer_id as lifecycle_customer_id
from {{ ref('customers') }} as customers
full outer join {{ ref('customer_lifecycle') }} as lifecycle
    on customers.customer_id = lifecycle.customer_id
where
    customers.customer_id is null
    or lifecycle.customer_id is null
    or customers.stage <> lifecycle.stage
    or customers.state <> lifecycle.state
    or customers.loyalty_rung <> lifecycle.loyalty_rung
    or coalesce(customers.days_in_stage, -1) <> coalesce(lifecycle.days_in_stage, -1)
    or coalesce(customers.state_since, customers.as_of_date)
    <> coalesce(lifecycle.state_since, customers.as_of_date)
