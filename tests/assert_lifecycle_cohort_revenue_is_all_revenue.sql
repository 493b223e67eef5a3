-- Whoever paid is in one order cohort, so that the cohorts' revenue is all revenue, to the cent.
with cohorts as (
    select coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('retention_cohorts') }}
    where activity = 'order'
),

customers as (
    select coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('customers') }}
)

select
    cohorts.net_revenue as revenue_of_cohorts,
    customers.net_revenue as revenue_of_customers
from cohorts
cross join customers
where cohorts.net_revenue <> customers.net_revenue
