-- Every customer has one row; nobody without consent gets marketing, nobody with an open complaint
-- is sold to or asked, and the list has no gaps.
with plan as (
    select * from {{ ref('contact_plan') }}
),

plays as (
    select * from {{ ref('plays') }}
),

consent_use as (
    select count(has_consent) as stated_count from {{ ref('customers') }}
)

select
    coalesce(customers.customer_id, plan.customer_id) as customer_id,
    'not once' as problem
from {{ ref('int_customers') }} as customers
full outer join plan on customers.customer_id = plan.customer_id
where customers.customer_id is null or plan.customer_id is null
union all
select
    plan.customer_id,
    'no consent' as problem
from plan
inner join plays on plan.action = plays.play
inner join {{ ref('customers') }} as customers on plan.customer_id = customers.customer_id
cross join consent_use
where
    plays.needs_consent
    and not coalesce(customers.has_consent, consent_use.stated_count = 0)
union all
select distinct
    plan.customer_id,
    'open complaint' as problem
from plan
inner join plays on plan.action = plays.play
inner join {{ ref('complaints') }} as complaints on plan.customer_id = complaints.customer_id
where plays.is_pitch and coalesce(not complaints.is_resolved, true)
union all
select
    plan.customer_id,
    'unknown action' as problem
from plan
left join plays on plan.action = plays.play
where plays.play is null and plan.action <> 'nothing'
union all
select
    plan.customer_id,
    'action without a place, or place without an action' as problem
from plan
where
    (plan.action = 'nothing') <> (plan.priority is null)
    or (plan.action = 'nothing') <> (plan.not_before_date is null)
    or (plan.action = 'nothing' and plan.channel is not null)
    or plan.not_before_date < plan.as_of_date
union all
select
    cast(null as text) as customer_id,
    'list with gaps' as problem
from plan
having max(priority) <> count(priority) or max(priority) <> count(distinct priority)
