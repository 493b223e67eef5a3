with complaints as (
    select * from {{ ref('int_complaints') }}
),

pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

claims as (
    select
        60 * max(case when claim = 'hold_time_minutes' then cast(high as double precision) end)
            as hold_seconds,
        max(case
            when claim = 'silent_customers_per_complaint' then cast(low as double precision)
        end) as silent_estimate,
        max(case when claim = 'silent_customers_per_complaint' then source end)
            as silent_estimate_source
    from {{ ref('benchmarks') }}
),

-- Where nobody was asked and nothing but complaints is on record, nobody can be seen leaving in
-- silence.
seen as (
    select
        (
            select count(*) from {{ ref('int_tickets') }} where kind <> 'complaint'
        ) + (
            select count(*)
            from {{ ref('int_survey_answers') }}
            where
                survey in ('nps', 'csat', 'ces')
                and competitor is null
                and scaled_score is not null
        ) as record_count
),

silent as (
    select count(distinct case when is_lost_after then customer_id end) as customer_count
    from {{ ref('int_silent_problems') }}
),

complainers as (
    select count(distinct customer_id) as customer_count from complaints
),

estimate as (
    select
        case
            when seen.record_count > 0
                then {{ proportion('silent.customer_count', 'complainers.customer_count') }}
        end as silent_estimate_observed
    from seen
    cross join silent
    cross join complainers
)

select
    complaints.ticket_id,
    complaints.customer_id,
    claims.silent_estimate_source,
    complaints.wait_seconds,
    complaints.reply_hours,
    complaints.resolution_hours,
    complaints.days_open,
    complaints.satisfaction_score,
    claims.silent_estimate,
    estimate.silent_estimate_observed,
    pulse.revenue_at_risk,
    complaints.wait_seconds > claims.hold_seconds as is_long_wait,
    complaints.is_answered,
    complaints.is_resolved,
    complaints.is_recovered,
    {{ local_date('complaints.opened_at') }} as opened_date,
    complaints.opened_at,
    complaints.first_replied_at,
    complaints.resolved_at,
    complaints.recovered_at,
    pulse.as_of_date
from complaints
inner join pulse on complaints.customer_id = pulse.customer_id
cross join claims
cross join estimate
