-- No warning for lost customers; the locked-out ones are those of login_problems who are not lost;
-- customers counts the warnings; a warning has begun and says the same as the customer. Whoever
-- failed often enough has a login problem.
with warnings as (
    select * from {{ ref('early_warnings') }}
),

limits as (
    {{ thresholds(['lockout_failure_count']) }}
),

locked_out as (
    select * from warnings where warning = 'locked_out'
),

problems as (
    select * from {{ ref('login_problems') }} where state <> 'lost'
),

counted as (
    select
        customer_id,
        count(*) as warning_count
    from warnings
    group by customer_id
)

select
    warnings.customer_id,
    warnings.warning as problem
from warnings
left join {{ ref('customers') }} as customers on warnings.customer_id = customers.customer_id
where
    customers.customer_id is null
    or customers.state = 'lost'
    or customers.state <> warnings.state
    or warnings.since_date > warnings.as_of_date
union all
select
    coalesce(locked_out.customer_id, problems.customer_id) as customer_id,
    'login problem and warning are not the same' as problem
from locked_out
full outer join problems on locked_out.customer_id = problems.customer_id
where
    locked_out.customer_id is null
    or problems.customer_id is null
    or locked_out.measure <> problems.failed_login_streak
    or locked_out.revenue_at_risk <> problems.revenue_at_risk
union all
select
    customers.customer_id,
    'number of warnings' as problem
from {{ ref('customers') }} as customers
left join counted on customers.customer_id = counted.customer_id
where customers.warning_count <> coalesce(counted.warning_count, 0)
union all
select
    customers.customer_id,
    'login problem differs from the customer' as problem
from {{ ref('customers') }} as customers
cross join limits
full outer join {{ ref('login_problems') }} as problems
    on customers.customer_id = problems.customer_id
where
    customers.customer_id is null
    or (customers.failed_login_streak >= limits.lockout_failure_count)
    <> (problems.customer_id is not null)
    or problems.failed_login_streak <> customers.failed_login_streak
    or problems.monthly_recurring_revenue <> customers.monthly_recurring_revenue
