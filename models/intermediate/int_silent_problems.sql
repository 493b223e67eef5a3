{#- Problems of customers who never complained: what the data know of the silent ones. -#}
with tickets as (
    select * from {{ ref('int_tickets') }}
),

limits as (
    {{ thresholds(['lost_after_days']) }}
),

complainers as (
    select distinct customer_id from tickets where kind = 'complaint'
),

problems as (
    select
        'ticket' as source,
        ticket_id as source_id,
        customer_id,
        opened_date as problem_date
    from tickets
    -- A ticket of a kind that is not known may have been a complaint.
    where kind <> 'complaint' and not is_resolved
    union all
    select
        'survey' as source,
        response_id as source_id,
        customer_id,
        answered_date as problem_date
    from {{ ref('int_low_scores') }}
),

silent as (
    select problems.*
    from problems
    left join complainers on problems.customer_id = complainers.customer_id
    where complainers.customer_id is null
),

losses as (
    select
        silent.source,
        silent.source_id,
        min(lost.lost_date) as lost_date
    from silent
    inner join {{ ref('int_lost_intervals') }} as lost
        on silent.customer_id = lost.customer_id
        and silent.problem_date < lost.lost_date
    cross join limits
    where {{ days_between('silent.problem_date', 'lost.lost_date') }} <= limits.lost_after_days
    group by silent.source, silent.source_id
)

select
    silent.source,
    silent.source_id,
    silent.customer_id,
    losses.lost_date is not null as is_lost_after,
    silent.problem_date,
    losses.lost_date
from silent
left join losses on silent.source = losses.source and silent.source_id = losses.source_id
