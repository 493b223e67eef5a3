with customers as (
    select * from {{ ref('int_customers') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

evidence as (
    select * from {{ ref('int_stage_evidence') }} where known_until = cast('9999-12-31' as date)
),

stages as (
    select
        customer_id,
        max(stage_rank) as stage_rank,
        count(*) as reached_stage_count,
        {% for stage in ['know', 'like', 'trust', 'try', 'buy', 'repeat', 'refer'] -%}
        max(case when stage = '{{ stage }}' then reached_at end) as {{ stage }}_at
        {{- ',' if not loop.last }}
        {% endfor %}
    from evidence
    group by customer_id
),

states as (
    select
        customer_id,
        state,
        since_date
    from {{ ref('int_customer_states') }}
    where until_date is null
),

progress as (
    select
        customers.customer_id,
        coalesce(totals.paid_day_count, 0) as paid_day_count,
        coalesce(totals.advocacy_act_count, 0)
        + coalesce(totals.converted_referral_count, 0) as deed_count,
        coalesce(
            {{ days_between('totals.first_paid_date', 'calendar.as_of_date') }}, 0
        ) as tenure_days
    from customers
    cross join calendar
    left join {{ ref('int_customer_totals') }} as totals
        on customers.customer_id = totals.customer_id
),

rungs as (
    select
        progress.customer_id,
        rungs.rung,
        row_number() over (
            partition by progress.customer_id
            order by rungs.rung_rank desc, rungs.min_purchase_days desc
        ) as choice
    from progress
    inner join {{ ref('loyalty_rungs') }} as rungs
        on progress.paid_day_count >= rungs.min_purchase_days
        and progress.tenure_days >= rungs.min_tenure_days
        and progress.deed_count >= rungs.min_deeds
)

select
    customers.customer_id,
    evidence.stage,
    evidence.stage_rank,
    stages.stage_rank - stages.reached_stage_count as skipped_stage_count,
    -- Nothing dates a customer who is only named: they are a prospect from nowhere.
    coalesce(states.state, 'prospect') as state,
    rungs.rung as loyalty_rung,
    {{ days_between('evidence.reached_date', 'calendar.as_of_date') }} as days_in_stage,
    states.since_date as state_since,
    {{ local_date('stages.know_at') }} as know_date,
    {{ local_date('stages.buy_at') }} as buy_date,
    {{ local_date('stages.repeat_at') }} as repeat_date,
    calendar.as_of_date,
    evidence.reached_at as stage_entered_at,
    stages.know_at,
    stages.like_at,
    stages.trust_at,
    stages.try_at,
    stages.buy_at,
    stages.repeat_at,
    stages.refer_at
from customers
cross join calendar
inner join stages on customers.customer_id = stages.customer_id
inner join evidence
    on stages.customer_id = evidence.customer_id and stages.stage_rank = evidence.stage_rank
inner join rungs on customers.customer_id = rungs.customer_id and rungs.choice = 1
left join states on customers.customer_id = states.customer_id
