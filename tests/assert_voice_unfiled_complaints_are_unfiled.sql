-- Every unfiled complaint is a low score of the stream's survey answers, and its customer opened no
-- ticket within the days of the seed.
select
    unfiled.response_id,
    'a ticket lies near' as problem
from {{ ref('unfiled_complaints') }} as unfiled
inner join {{ ref('int_customer_activities') }} as activities
    on unfiled.customer_id = activities.customer_id
inner join {{ ref('thresholds') }} as limits on limits.threshold = 'unfiled_complaint_days'
where
    activities.activity = 'ticket_opened'
    and abs({{ days_between('activities.activity_date', local_date('unfiled.answered_at')) }})
    <= limits.value
union all
select
    unfiled.response_id,
    'no answer of the stream' as problem
from {{ ref('unfiled_complaints') }} as unfiled
left join {{ ref('int_customer_activities') }} as activities
    on unfiled.response_id = activities.source_id
    and unfiled.customer_id = activities.customer_id
    and activities.activity = 'survey_answered'
where activities.source_id is null
