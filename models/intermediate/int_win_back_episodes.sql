with contacts as (
    select
        customer_id,
        source_id,
        activity_date,
        activity_at,
        activity = 'touch_withheld' as is_control
    from {{ ref('int_customer_activities') }}
    where activity in ('touch_outbound', 'touch_withheld') and detail = 'win_back'
),

limits as (
    {{ thresholds(['win_back_window_days']) }}
),

spaced as (
    select
        contacts.*,
        lag(activity_date) over (
            partition by customer_id
            order by activity_at, case when is_control then 1 else 0 end, source_id
        ) as previous_date
    from contacts
),

-- A contact that follows another within the window goes on with its episode. Whom we contacted and
-- withheld at one moment was contacted.
episodes as (
    select
        spaced.customer_id,
        spaced.is_control,
        spaced.activity_date as contact_date,
        cast(
            {{ dbt.dateadd('day', 'limits.win_back_window_days', 'spaced.activity_date') }} as date
        ) as window_end_date,
        spaced.activity_at as contact_at
    from spaced
    cross join limits
    where
        spaced.previous_date is null
        or {{ days_between('spaced.previous_date', 'spaced.activity_date') }}
        > limits.win_back_window_days
),

payments as (
    select
        customer_id,
        activity_date,
        activity_at
    from {{ ref('int_customer_activities') }}
    where
        voided_date is null
        and (activity = 'order_paid' or (activity = 'subscription_month' and quantity = 1))
),

won_back as (
    select distinct
        episodes.customer_id,
        episodes.contact_at
    from episodes
    inner join payments
        on episodes.customer_id = payments.customer_id
        and episodes.contact_at < payments.activity_at
        and episodes.window_end_date >= payments.activity_date
)

select
    episodes.customer_id,
    episodes.is_control,
    lost.customer_id is not null as is_lost,
    won_back.customer_id is not null as is_won_back,
    episodes.contact_date,
    episodes.window_end_date,
    episodes.contact_at
from episodes
-- Who comes back on the day of the contact was lost when they were contacted.
left join {{ ref('int_customer_states') }} as lost
    on episodes.customer_id = lost.customer_id
    and lost.state = 'lost'
    and episodes.contact_date >= lost.since_date
    and (lost.until_date is null or episodes.contact_date <= lost.until_date)
left join won_back
    on episodes.customer_id = won_back.customer_id
    and episodes.contact_at = won_back.contact_at
