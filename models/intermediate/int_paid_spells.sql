with payers as (
    select
        customer_id,
        first_payment,
        first_paid_date
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
),

losses as (
    select
        payers.customer_id,
        min(states.since_date) as lost_date
    from payers
    inner join {{ ref('int_customer_states') }} as states
        on payers.customer_id = states.customer_id
        and payers.first_paid_date <= states.since_date
    where states.state = 'lost'
    group by payers.customer_id
)

select
    payers.customer_id,
    payers.first_payment,
    {{ days_between('payers.first_paid_date', 'coalesce(losses.lost_date, calendar.as_of_date)') }}
        as duration_days,
    losses.lost_date is not null as is_event,
    payers.first_paid_date,
    losses.lost_date
from payers
cross join {{ ref('stg_calendar') }} as calendar
left join losses on payers.customer_id = losses.customer_id
