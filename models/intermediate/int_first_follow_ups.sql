with follow_ups as (
    select
        payers.customer_id,
        activities.detail as follow_up,
        activities.activity_date as followed_up_date,
        activities.activity_at as followed_up_at,
        row_number() over (
            partition by payers.customer_id
            order by
                activities.activity_at,
                coalesce(activities.detail, ''),
                activities.activity,
                activities.source_id
        ) as follow_up_number
    from {{ ref('int_customer_totals') }} as payers
    inner join {{ ref('int_customer_activities') }} as activities
        on payers.customer_id = activities.customer_id
        and payers.first_paid_at <= activities.activity_at
    inner join {{ ref('follow_up_evidence') }} as evidence
        on activities.activity = evidence.activity
        and (evidence.detail is null or activities.detail = evidence.detail)
    where activities.voided_date is null
)

select
    customer_id,
    follow_up,
    followed_up_date,
    followed_up_at
from follow_ups
where follow_up_number = 1
