-- One state on each day from the first sign of a customer to today: intervals touch, neighbours
-- differ, the first opens on the first day, the last is open and is the state that the mart shows.
with states as (
    select
        customer_id,
        state,
        previous_state,
        since_date,
        until_date,
        row_number() over (partition by customer_id order by since_date) as interval_number,
        lag(until_date) over (partition by customer_id order by since_date) as previous_until_date,
        lag(state) over (partition by customer_id order by since_date) as state_before
    from {{ ref('int_customer_states') }}
),

last_states as (
    select
        customer_id,
        state,
        since_date
    from states
    where until_date is null
)

select
    states.customer_id,
    states.since_date,
    'interval' as problem
from states
left join {{ ref('customers') }} as customers on states.customer_id = customers.customer_id
where
    customers.customer_id is null
    or states.until_date <= states.since_date
    or (states.interval_number = 1 and states.since_date <> customers.first_seen_date)
    or (states.interval_number = 1 and states.previous_state is not null)
    or (
        states.interval_number > 1
        and (
            states.previous_until_date is null
            or states.previous_until_date <> states.since_date
            or states.state = states.state_before
            or states.previous_state is null
            or states.previous_state <> states.state_before
        )
    )
union all
select
    customers.customer_id,
    customers.state_since as since_date,
    'last state' as problem
from {{ ref('customers') }} as customers
left join last_states on customers.customer_id = last_states.customer_id
where
    customers.first_seen_date is not null
    and (
        last_states.customer_id is null
        or last_states.state <> customers.state
        or last_states.since_date <> customers.state_since
    )
