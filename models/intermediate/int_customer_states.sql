{{ config(materialized='incremental', meta={'touched_by': 'int_touched_states'}) }}
{#- Between two days of int_customer_rhythm only time passes, so a state can change on the few days
    on which a rule's limit is reached. The state is worked out on those, and equal neighbours are
    joined. -#}
with rhythm as (
    select * from {{ ref('int_customer_rhythm') }} where {{ is_touched(by='int_touched_states') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

thresholds as (
    {{ state_thresholds() }}
),

limits as (
    select rhythm.*, day as check_date from rhythm
    {% for first_day in state_limit_days() %}
    union all
    select rhythm.*, cast({{ first_day }} as date) as check_date from rhythm cross join thresholds
    {% endfor %}
),

checked as (
    select distinct
        limits.customer_id,
        limits.check_date,
        {{ state_on('check_date') }} as state
    from limits
    cross join calendar
    cross join thresholds
    where
        limits.check_date >= limits.day
        and limits.check_date < limits.next_day
        and limits.check_date <= calendar.as_of_date
),

changes as (
    select
        customer_id,
        check_date,
        state,
        lag(state) over (partition by customer_id order by check_date) as previous_state
    from checked
)

select
    customer_id,
    state,
    previous_state,
    check_date as since_date,
    lead(check_date) over (partition by customer_id order by check_date) as until_date
from changes
where previous_state is null or state <> previous_state
