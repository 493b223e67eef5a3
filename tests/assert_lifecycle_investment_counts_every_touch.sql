-- Touches and their cost over all stages are all touches and their cost, to the cent; everybody was
-- in know, and in each stage that they changed to; all advances are there.
with invested as (
    select
        coalesce(sum(touch_count), 0) as touch_count,
        coalesce(sum(touch_cost), 0) as touch_cost,
        coalesce(sum(customer_count), 0) as customer_count,
        coalesce(sum(advance_count), 0) as advance_count,
        count(*) as stage_count
    from {{ ref('stage_investment') }}
),

touches as (
    select
        count(*) as touch_count,
        coalesce(sum(activities.amount), 0) as touch_cost
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('customers') }} as customers
        on activities.customer_id = customers.customer_id
    where
        activities.activity in ('touch_inbound', 'touch_outbound')
        and customers.first_seen_date is not null
),

dated as (
    select
        customer_id,
        'know' as stage
    from {{ ref('customers') }}
    where first_seen_date is not null
    union
    select
        customer_id,
        to_stage as stage
    from {{ ref('stage_transitions') }}
),

members as (
    select count(*) as customer_count from dated
),

advances as (
    select count(*) as advance_count
    from {{ ref('stage_transitions') }}
    where not is_setback
)

select
    invested.touch_count,
    touches.touch_count as expected_touch_count,
    invested.touch_cost,
    touches.touch_cost as expected_touch_cost,
    invested.customer_count,
    members.customer_count as expected_customer_count,
    invested.advance_count,
    advances.advance_count as expected_advance_count
from invested
cross join touches
cross join members
cross join advances
where
    invested.touch_count <> touches.touch_count
    or invested.touch_cost <> touches.touch_cost
    or invested.customer_count <> members.customer_count
    or invested.advance_count <> advances.advance_count
    or invested.stage_count <> case when members.customer_count > 0 then 7 else 0 end
