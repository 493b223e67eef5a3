with totals as (
    select
        customer_id,
        first_paid_date
    from {{ ref('int_customer_totals') }}
),

states as (
    select
        customer_id,
        state,
        since_date,
        until_date,
        lead(state) over (partition by customer_id order by since_date) as next_state,
        case
            when
                state not in ('prospect', 'lost')
                and coalesce(previous_state, 'prospect') in ('prospect', 'lost')
                then since_date
        end as came_out_date,
        case
            when state not in ('prospect', 'lost') and previous_state = 'lost' then since_date
        end as came_back_date
    from {{ ref('int_customer_states') }}
),

spells as (
    select
        states.*,
        max(came_out_date) over so_far as last_came_out_date,
        max(came_back_date) over so_far as last_came_back_date
    from states
    window so_far as (
        partition by customer_id order by since_date
        rows between unbounded preceding and current row
    )
)

select
    spells.customer_id,
    case
        when spells.until_date is null
            then {{ days_between('spells.since_date', 'calendar.as_of_date') }}
        else {{ days_between('spells.since_date', 'spells.until_date') }}
    end as duration_days,
    -- Who is a prospect again because the order was refunded in full did not come back.
    coalesce(spells.next_state <> 'prospect', false) as is_return,
    -- First day of the spell that ended with this interval; the first one opens with a payment.
    case
        when spells.last_came_back_date = spells.last_came_out_date then spells.last_came_back_date
        else totals.first_paid_date
    end as spell_start_date,
    spells.since_date as lost_date,
    spells.until_date
from spells
cross join {{ ref('stg_calendar') }} as calendar
left join totals on spells.customer_id = totals.customer_id
where spells.state = 'lost'
