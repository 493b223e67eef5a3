{#- Evidence of stages on the line of time on which it was lived. A full refund is known from its
    moment on; the evidence that is left counts anew from there. -#}

-- Nothing dates the stage of a customer who is only named.
with evidence as (
    select * from {{ ref('int_stage_evidence') }} where reached_at is not null
),

periods as (
    select
        customer_id,
        known_from,
        lag(known_from) over (partition by customer_id order by known_from) as previous_known_from
    from {{ ref('int_knowledge_periods') }}
),

refunds as (
    select
        customer_id,
        voided_date,
        max(activity_at) as refunded_at
    from {{ ref('int_customer_activities') }}
    where activity = 'order_refunded' and voided_date is not null
    group by customer_id, voided_date
),

openings as (
    select
        periods.customer_id,
        periods.known_from,
        periods.previous_known_from,
        refunds.refunded_at as opened_at
    from periods
    inner join refunds
        on periods.customer_id = refunds.customer_id and periods.known_from = refunds.voided_date
    where periods.previous_known_from is not null
)

select
    evidence.customer_id,
    evidence.known_from,
    evidence.stage,
    evidence.stage_rank,
    case
        when openings.opened_at > evidence.reached_at then openings.opened_at
        else evidence.reached_at
    end as counted_at
from evidence
left join openings
    on evidence.customer_id = openings.customer_id and evidence.known_from = openings.known_from
union all
-- What was reached on the day of the refund before its moment adds to what counted until then.
select
    evidence.customer_id,
    openings.previous_known_from as known_from,
    evidence.stage,
    evidence.stage_rank,
    evidence.reached_at as counted_at
from evidence
inner join openings
    on evidence.customer_id = openings.customer_id
    and evidence.known_from = openings.known_from
    and evidence.reached_date = openings.known_from
    and evidence.reached_at < openings.opened_at
