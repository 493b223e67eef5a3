{#- Contacts by purpose with what was bought after them, next to contacts that were withheld as a
    control. Surveys are a purpose of their own: who did not answer is set beside who did, though
    that is no control, since answering is a choice. -#}
with activities as (
    select * from {{ ref('int_customer_activities') }}
),

limits as (
    {{ thresholds(['contact_window_days']) }}
),

answered_surveys as (
    select distinct source_id from activities where activity = 'survey_answered'
),

contacts as (
    select
        customer_id,
        source_id,
        detail as purpose,
        activity_date,
        activity_at,
        activity = 'touch_withheld' as is_control
    from activities
    where activity in ('touch_outbound', 'touch_withheld') and detail is not null
    union all
    select
        customer_id,
        source_id,
        'survey' as purpose,
        activity_date,
        activity_at,
        false as is_control
    from activities
    where activity = 'survey_answered'
    union all
    select
        sent.customer_id,
        sent.source_id,
        'survey' as purpose,
        sent.activity_date,
        sent.activity_at,
        true as is_control
    from activities as sent
    left join answered_surveys on sent.source_id = answered_surveys.source_id
    where sent.activity = 'survey_sent' and answered_surveys.source_id is null
),

-- Who answers another survey near it is no one who does not answer.
answerers as (
    select distinct
        contacts.customer_id,
        contacts.source_id
    from contacts
    cross join limits
    inner join contacts as answers
        on contacts.customer_id = answers.customer_id and contacts.purpose = answers.purpose
    where
        contacts.purpose = 'survey'
        and contacts.is_control
        and not answers.is_control
        and abs({{ days_between('answers.activity_date', 'contacts.activity_date') }})
        <= limits.contact_window_days
),

spaced as (
    select
        contacts.*,
        lag(contacts.activity_date) over (
            partition by contacts.customer_id, contacts.purpose
            order by
                contacts.activity_at,
                case when contacts.is_control then 1 else 0 end,
                contacts.source_id
        ) as previous_date
    from contacts
    left join answerers
        on contacts.customer_id = answerers.customer_id
        and contacts.source_id = answerers.source_id
        and contacts.purpose = 'survey'
        and contacts.is_control
    where answerers.source_id is null
),

-- A contact that follows another within the window goes on with its episode. Whom we contacted and
-- withheld at one moment was contacted.
episodes as (
    select
        spaced.customer_id,
        spaced.purpose,
        spaced.is_control,
        spaced.activity_date as contact_date,
        cast(
            {{ dbt.dateadd('day', 'limits.contact_window_days', 'spaced.activity_date') }} as date
        ) as window_end_date,
        spaced.activity_at as contact_at
    from spaced
    cross join limits
    where
        spaced.previous_date is null
        or {{ days_between('spaced.previous_date', 'spaced.activity_date') }}
        > limits.contact_window_days
),

payments as (
    select
        customer_id,
        input,
        source_id,
        min(case when activity <> 'order_refunded' then activity_date end) as paid_date,
        min(case when activity <> 'order_refunded' then activity_at end) as paid_at,
        sum(amount) as net_revenue
    from activities
    where
        voided_date is null
        and (
            activity in ('order_paid', 'order_refunded')
            or (activity = 'subscription_month' and quantity = 1)
        )
    group by customer_id, input, source_id
),

bought as (
    select
        episodes.customer_id,
        episodes.purpose,
        episodes.contact_at,
        sum(payments.net_revenue) as net_revenue
    from episodes
    inner join payments
        on episodes.customer_id = payments.customer_id
        and episodes.contact_at < payments.paid_at
        and episodes.window_end_date >= payments.paid_date
    group by episodes.customer_id, episodes.purpose, episodes.contact_at
)

select
    episodes.customer_id,
    episodes.purpose,
    episodes.is_control,
    bought.customer_id is not null as is_bought,
    cast(coalesce(bought.net_revenue, 0) as decimal(18, 2)) as net_revenue,
    episodes.contact_date,
    episodes.window_end_date,
    episodes.contact_at
from episodes
left join bought
    on episodes.customer_id = bought.customer_id
    and episodes.purpose = bought.purpose
    and episodes.contact_at = bought.contact_at
