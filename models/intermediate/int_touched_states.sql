{#- Whose states the build has to work out anew: those whose rhythm changed, and those for whom only
    time passed, but a limit of a rule lies in the days that passed. -#}
with rhythm as (
    select rhythm.*
    from {{ ref('int_customer_rhythm') }} as rhythm
    cross join {{ ref('stg_changed_days') }} as changed_days
    where rhythm.next_day >= changed_days.first_date
),

thresholds as (
    {{ state_thresholds() }}
),

limits as (
    {% for first_day in state_limit_days() %}
    select
        rhythm.customer_id,
        cast({{ first_day }} as date) as check_date
    from rhythm
    cross join thresholds
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select customer_id from {{ ref('int_touched_rhythms') }}
union
select limits.customer_id
from limits
cross join {{ ref('stg_changed_days') }} as changed_days
where limits.check_date between changed_days.first_date and changed_days.last_date
