with complaints as (
    select * from {{ ref('int_tickets') }} where kind = 'complaint'
),

limits as (
    {{ thresholds(['recovery_days', 'promoter_score']) }}
),

-- What shows that a customer is reconciled: they buy, praise, or speak for the brand.
good_signs as (
    select
        customer_id,
        activity_date as sign_date,
        activity_at as sign_at
    from {{ ref('int_customer_activities') }}
    where
        voided_date is null
        and (
            activity in ('order_paid', 'advocacy_act')
            or (activity = 'subscription_month' and quantity = 1)
        )
    union all
    select
        answers.customer_id,
        answers.answered_date as sign_date,
        answers.answered_at as sign_at
    from {{ ref('int_survey_answers') }} as answers
    cross join limits
    where
        answers.survey in ('nps', 'csat', 'ces')
        and answers.competitor is null
        and answers.scaled_score >= limits.promoter_score
),

recoveries as (
    select
        complaints.ticket_id,
        min(good_signs.sign_at) as recovered_at
    from complaints
    inner join good_signs
        on complaints.customer_id = good_signs.customer_id
        and complaints.resolved_at < good_signs.sign_at
    cross join limits
    where
        {{ days_between('complaints.resolved_date', 'good_signs.sign_date') }}
        <= limits.recovery_days
    group by complaints.ticket_id
)

select
    complaints.ticket_id,
    complaints.customer_id,
    complaints.wait_seconds,
    complaints.reply_hours,
    complaints.resolution_hours,
    -- How long it has been open where nobody knows whether it was resolved is not known either.
    case
        when complaints.is_resolved is not null
            then {{ days_between(
                'complaints.opened_date', 'coalesce(complaints.resolved_date, calendar.as_of_date)'
            ) }}
    end as days_open,
    complaints.satisfaction_score,
    complaints.is_answered,
    complaints.is_resolved,
    case
        when recoveries.ticket_id is not null then true
        when not complaints.is_resolved then false
        when
            {{ days_between('complaints.resolved_date', 'calendar.as_of_date') }}
            >= limits.recovery_days
            then false
    end as is_recovered,
    complaints.opened_date,
    complaints.resolved_date,
    complaints.opened_at,
    complaints.first_replied_at,
    complaints.resolved_at,
    recoveries.recovered_at
from complaints
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
left join recoveries on complaints.ticket_id = recoveries.ticket_id
