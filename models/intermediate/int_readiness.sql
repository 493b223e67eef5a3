{#- The gates before an offer, as they stood on the as-of date and on the cut-off dates of the
    backtests, of all who owned something then. -#}
with limits as (
    {{ thresholds(['satisfied_score', 'promoter_score', 'high_risk', 'pitch_rest_days']) }}
),

owners as (
    select
        customer_id,
        cutoff_number,
        cutoff_date
    from {{ ref('int_customer_snapshots') }}
    where
        {{ is_readiness_cutoff('cutoff_number') }}
        and (purchase_day_count > 0 or churn_basis = 'contract')
),

adoption as (
    select * from {{ ref('int_adoption') }}
),

scores as (
    select * from {{ ref('int_churn_scores') }}
),

-- What somebody says of a competitor is no answer about us.
answers as (
    select
        customer_id,
        survey,
        scaled_score,
        answered_date,
        lead(answered_date) over (
            partition by customer_id order by answered_at, response_id
        ) as next_answered_date
    from {{ ref('int_survey_answers') }}
    where survey in ('csat', 'nps') and scaled_score is not null and competitor is null
),

-- Null where none is surely open, and of one nobody knows.
complainers as (
    select
        owners.customer_id,
        owners.cutoff_number,
        case
            when count(case
                when not complaints.is_resolved then 1
                when complaints.resolved_date > owners.cutoff_date then 1
            end) > 0 then true
            when count(complaints.is_resolved) = count(*) then false
        end as has_open_complaint
    from owners
    inner join {{ ref('int_complaints') }} as complaints
        on
            owners.customer_id = complaints.customer_id
            and owners.cutoff_date >= complaints.opened_date
    group by owners.customer_id, owners.cutoff_number
),

pitched as (
    select distinct
        owners.customer_id,
        owners.cutoff_number
    from owners
    cross join limits
    inner join {{ ref('int_customer_activities') }} as touches
        on owners.customer_id = touches.customer_id
    where
        touches.activity = 'touch_outbound'
        and touches.detail in ('promotion', 'cross_sell')
        and {{ days_between('touches.activity_date', 'owners.cutoff_date') }}
        between 0 and limits.pitch_rest_days
),

gates as (
    select
        owners.customer_id,
        owners.cutoff_number,
        adoption.adoption_basis,
        adoption.is_adopted,
        case
            when complainers.has_open_complaint then false
            when complainers.customer_id is not null and complainers.has_open_complaint is null
                then cast(null as boolean)
            when answers.survey = 'csat' then answers.scaled_score >= limits.satisfied_score
            when answers.survey = 'nps' then answers.scaled_score >= limits.promoter_score
        end as is_satisfied,
        case
            when complainers.customer_id is null then false
            else complainers.has_open_complaint
        end as has_open_complaint,
        scores.churn_probability < limits.high_risk as is_healthy,
        pitched.customer_id is not null as is_recently_pitched,
        owners.cutoff_date
    from owners
    cross join limits
    inner join adoption
        on owners.customer_id = adoption.customer_id
        and owners.cutoff_number = adoption.cutoff_number
    left join answers
        on
            owners.customer_id = answers.customer_id
            and owners.cutoff_date >= answers.answered_date
            and (
                answers.next_answered_date is null
                or answers.next_answered_date > owners.cutoff_date
            )
    {% for signs in ['complainers', 'pitched', 'scores'] -%}
    left join {{ signs }}
        on owners.customer_id = {{ signs }}.customer_id
        and owners.cutoff_number = {{ signs }}.cutoff_number
    {% endfor %}
)

select
    customer_id,
    cutoff_number,
    adoption_basis,
    case
        when is_adopted is null then 'adoption_unknown'
        when not is_adopted then 'not_adopted'
        when has_open_complaint then 'open_complaint'
        when has_open_complaint is null then 'complaint_unknown'
        when is_satisfied is null then 'satisfaction_unknown'
        when not is_satisfied then 'not_satisfied'
        when is_healthy is null then 'risk_unknown'
        when not is_healthy then 'at_risk'
        when is_recently_pitched then 'recently_pitched'
    end as blocked_by,
    cast(25 * (
        case when is_adopted then 1 else 0 end
        + case when is_satisfied then 1 else 0 end
        + case when is_healthy then 1 else 0 end
        + case when is_recently_pitched then 0 else 1 end
    ) as integer) as readiness_score,
    is_adopted,
    is_satisfied,
    has_open_complaint,
    is_healthy,
    is_recently_pitched,
    coalesce(is_adopted and is_satisfied and is_healthy and not is_recently_pitched, false)
        as is_ready,
    cutoff_date
from gates
