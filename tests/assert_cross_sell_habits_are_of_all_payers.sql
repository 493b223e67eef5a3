-- Every habit is judged by the same customers: all payers of that tenure, the best and the rest.
-- Those with it are no more than they are.
with limits as (
    {{ thresholds(['best_habit_age_days']) }}
),

payers as (
    select count(*) as payer_count
    from {{ ref('int_customer_totals') }} as totals
    cross join {{ ref('stg_calendar') }} as calendar
    cross join limits
    where
        {{ days_between('totals.first_paid_date', 'calendar.as_of_date') }}
        >= limits.best_habit_age_days
)

select
    habits.habit,
    habits.best_count,
    habits.rest_count,
    payers.payer_count
from {{ ref('best_customer_habits') }} as habits
cross join payers
where
    habits.best_count + habits.rest_count <> payers.payer_count
    or habits.best_habit_count > habits.best_count
    or habits.rest_habit_count > habits.rest_count
    or habits.odds_ratio_low > habits.odds_ratio
    or habits.odds_ratio_high < habits.odds_ratio
    or (habits.is_shown and not habits.is_sufficient)
