select
    odds.habit,
    odds.what_to_show,
    odds.habit_rank,
    odds.within_days,
    odds.best_count,
    odds.rest_count,
    odds.best_habit_count,
    odds.rest_habit_count,
    odds.best_share,
    odds.rest_share,
    odds.lift,
    odds.odds_ratio,
    odds.odds_ratio_low,
    odds.odds_ratio_high,
    odds.is_sufficient,
    odds.is_shown,
    calendar.as_of_date
from {{ ref('int_habit_odds') }} as odds
cross join {{ ref('stg_calendar') }} as calendar
