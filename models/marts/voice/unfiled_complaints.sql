with low_scores as (
    select * from {{ ref('int_low_scores') }}
),

limits as (
    {{ thresholds(['unfiled_complaint_days']) }}
),

filed as (
    select distinct low_scores.response_id
    from low_scores
    inner join {{ ref('int_tickets') }} as tickets
        on low_scores.customer_id = tickets.customer_id
    cross join limits
    where
        abs({{ days_between('tickets.opened_date', 'low_scores.answered_date') }})
        <= limits.unfiled_complaint_days
),

-- Where there are no tickets at all, nobody can be seen filing one.
tickets_kept as (
    select count(*) as ticket_count from {{ ref('int_tickets') }}
)

select
    low_scores.response_id,
    low_scores.customer_id,
    low_scores.survey,
    low_scores.answer,
    low_scores.scaled_score,
    pulse.revenue_at_risk,
    low_scores.answered_at,
    pulse.as_of_date
from low_scores
inner join {{ ref('int_customer_pulse') }} as pulse
    on low_scores.customer_id = pulse.customer_id
left join filed on low_scores.response_id = filed.response_id
cross join tickets_kept
where filed.response_id is null and tickets_kept.ticket_count > 0
