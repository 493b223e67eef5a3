{#- Who is looked at on each cut-off date, with the rhythm that was known on it. A past date takes a
    sample where there are many customers: fits and backtests gain nothing from more. -#}
with limits as (
    {{ thresholds(['backtest_customer_count', 'lost_after_days']) }}
),

customers as (
    select
        customer_id,
        row_number() over (order by {{ dbt.hash('customer_id') }}, customer_id) as draw_number
    from {{ ref('int_customers') }}
),

acts as (
    select
        customer_id,
        activity_date,
        voided_date
    from {{ ref('int_customer_activities') }}
    where
        activity in ('order_paid', 'login_success')
        or (activity = 'subscription_month' and quantity = 1)
),

first_acts as (
    select
        customer_id,
        min(case when voided_date is null then activity_date end) as lasting_date
    from acts
    group by customer_id
),

rhythm as (
    select
        rhythm.*,
        cutoffs.cutoff_number,
        cutoffs.cutoff_date,
        cutoffs.is_as_of,
        limits.lost_after_days
    from {{ ref('int_customer_rhythm') }} as rhythm
    inner join {{ ref('int_cutoffs') }} as cutoffs
        on
            cutoffs.cutoff_date >= rhythm.known_from
            and cutoffs.cutoff_date < rhythm.known_until
            and cutoffs.cutoff_date >= rhythm.day
            and cutoffs.cutoff_date < rhythm.next_day
    inner join customers on rhythm.customer_id = customers.customer_id
    cross join limits
    where
        rhythm.last_active_date is not null
        and (cutoffs.is_as_of or customers.draw_number <= limits.backtest_customer_count)
),

-- An act that is undone later was still the first one until then.
undone as (
    select
        rhythm.customer_id,
        rhythm.cutoff_number,
        min(acts.activity_date) as first_date
    from rhythm
    inner join acts on rhythm.customer_id = acts.customer_id
    where acts.voided_date is not null and {{ known_on('acts', 'rhythm.cutoff_date') }}
    group by rhythm.customer_id, rhythm.cutoff_number
)

select
    rhythm.customer_id,
    rhythm.cutoff_number,
    rhythm.cutoff_date,
    rhythm.is_as_of,
    case when rhythm.running_subscription_count > 0 then 'contract' else 'activity' end
        as churn_basis,
    {{ is_lost_on('rhythm.cutoff_date') }} as is_lost,
    {{ days_between('rhythm.last_active_date', 'rhythm.cutoff_date') }} as days_silent,
    rhythm.typical_gap_days,
    {{ usage_trend_on('rhythm.cutoff_date') }} as usage_trend,
    case
        when
            first_acts.lasting_date <= rhythm.cutoff_date
            and (undone.first_date is null or first_acts.lasting_date < undone.first_date)
            then first_acts.lasting_date
        else undone.first_date
    end as first_active_date,
    rhythm.last_login_date
from rhythm
left join first_acts on rhythm.customer_id = first_acts.customer_id
left join undone
    on rhythm.customer_id = undone.customer_id and rhythm.cutoff_number = undone.cutoff_number
