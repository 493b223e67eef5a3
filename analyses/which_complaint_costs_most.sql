-- Which complaint costs most? Complaints by what came before them (a late order, a long wait) and
-- by what became of them, the most revenue at risk first. A customer with several complaints of one
-- kind counts once. A lost customer has little left to risk: what they had paid stands beside.
with late_orders as (
    select distinct complaints.ticket_id
    from {{ ref('complaints') }} as complaints
    inner join {{ ref('promises_kept') }} as promises
        on complaints.customer_id = promises.customer_id
        and complaints.opened_at >= promises.promised_at
        and complaints.opened_at < promises.promised_at + interval '30 days'
    where promises.is_late
),

described as (
    select
        complaints.ticket_id,
        complaints.customer_id,
        case
            when late_orders.ticket_id is not null and complaints.is_long_wait
                then 'late order, then a long wait'
            when late_orders.ticket_id is not null then 'late order'
            when complaints.is_long_wait then 'long wait'
            else 'other'
        end as came_after,
        case
            when complaints.is_resolved is null then 'unknown'
            when not complaints.is_resolved then 'unresolved'
            when complaints.is_recovered is null then 'resolved, too early to tell'
            when complaints.is_recovered then 'recovered'
            else 'resolved, not recovered'
        end as outcome,
        complaints.resolution_hours,
        complaints.revenue_at_risk,
        customers.state = 'lost' as is_lost,
        customers.net_revenue + customers.subscription_revenue as past_value
    from {{ ref('complaints') }} as complaints
    inner join {{ ref('customers') }} as customers
        on complaints.customer_id = customers.customer_id
    left join late_orders on complaints.ticket_id = late_orders.ticket_id
),

customers_once as (
    select
        came_after,
        outcome,
        customer_id,
        count(*) as complaint_count,
        avg(resolution_hours) as mean_resolution_hours,
        max(revenue_at_risk) as revenue_at_risk,
        max(case when is_lost then 1 else 0 end) as lost_count,
        max(case when is_lost then past_value else 0 end) as past_value_of_lost
    from described
    group by came_after, outcome, customer_id
)

select
    came_after,
    outcome,
    sum(complaint_count) as complaint_count,
    count(*) as customer_count,
    sum(lost_count) as lost_count,
    avg(mean_resolution_hours) as mean_resolution_hours,
    sum(revenue_at_risk) as revenue_at_risk,
    sum(past_value_of_lost) as past_value_of_lost
from customers_once
group by came_after, outcome
order by revenue_at_risk desc, came_after asc, outcome asc
