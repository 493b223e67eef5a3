{{ config(materialized='incremental', meta={'touched_by': 'int_touched_customers'}) }}
with rules as (
    select * from {{ ref('stage_rules') }}
),

periods as (
    select * from {{ ref('int_knowledge_periods') }}
),

evidence as (
    select
        periods.customer_id,
        periods.known_from,
        periods.known_until,
        rules.stage,
        rules.stage_rank,
        rules.activity as rule_activity,
        rules.detail as rule_detail,
        rules.min_distinct_days,
        activities.activity_date,
        activities.activity_at
    from {{ ref('int_customer_activities') }} as activities
    inner join rules
        on activities.activity = rules.activity
        and (rules.detail is null or activities.detail = rules.detail)
    inner join periods on {{ known_in_period('activities', 'periods') }}
    where {{ is_touched('activities.customer_id') }}
),

-- The first day needs no numbering, which costs most.
evidence_days as (
    select
        customer_id,
        known_from,
        known_until,
        stage,
        stage_rank,
        rule_activity,
        rule_detail,
        min_distinct_days,
        activity_date,
        min(activity_at) as activity_at
    from evidence
    where min_distinct_days > 1
    group by
        customer_id, known_from, known_until, stage, stage_rank, rule_activity, rule_detail,
        min_distinct_days, activity_date
),

numbered as (
    select
        evidence_days.*,
        row_number() over (
            partition by
                customer_id, known_from, stage, rule_activity, rule_detail, min_distinct_days
            order by activity_date
        ) as day_number
    from evidence_days
),

reached as (
    select
        customer_id,
        known_from,
        known_until,
        stage,
        stage_rank,
        activity_at
    from evidence
    where min_distinct_days = 1
    union all
    select
        customer_id,
        known_from,
        known_until,
        stage,
        stage_rank,
        activity_at
    from numbered
    where day_number = min_distinct_days
    union all
    select
        customers.customer_id,
        periods.known_from,
        periods.known_until,
        rules.stage,
        rules.stage_rank,
        customers.first_seen_at as activity_at
    from {{ ref('int_customers') }} as customers
    inner join periods on customers.customer_id = periods.customer_id
    inner join rules on rules.activity = '*'
    where {{ is_touched('customers.customer_id') }}
)

select
    customer_id,
    known_from,
    known_until,
    stage,
    stage_rank,
    min(activity_at) as reached_at,
    {{ local_date('min(activity_at)') }} as reached_date
from reached
group by customer_id, known_from, known_until, stage, stage_rank
