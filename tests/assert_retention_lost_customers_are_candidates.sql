-- win_back_candidates holds exactly the customers whose state is lost, once; priorities run from 1
-- without a gap, and only over customers whom one may and can win back.
with candidates as (
    select
        customer_id,
        count(*) as row_count
    from {{ ref('win_back_candidates') }}
    group by customer_id
),

ranked as (
    select
        customer_id,
        priority,
        row_number() over (order by priority, customer_id) as place,
        is_winnable,
        has_consent
    from {{ ref('win_back_candidates') }}
    where priority is not null
)

select
    coalesce(customers.customer_id, candidates.customer_id) as customer_id,
    'lost and candidate are not the same' as problem
from {{ ref('customers') }} as customers
full outer join candidates on customers.customer_id = candidates.customer_id
where
    customers.customer_id is null
    or (customers.state = 'lost') <> (candidates.customer_id is not null)
    or candidates.row_count > 1
union all
select
    candidates.customer_id,
    'value or date differs from the customer' as problem
from {{ ref('win_back_candidates') }} as candidates
inner join {{ ref('customers') }} as customers on candidates.customer_id = customers.customer_id
where
    candidates.past_value <> customers.net_revenue + customers.subscription_revenue
    or candidates.lost_date <> customers.state_since
    or candidates.lost_date > candidates.as_of_date
union all
select
    customer_id,
    'priority' as problem
from ranked
where priority <> place or not coalesce(is_winnable, true) or not coalesce(has_consent, true)
