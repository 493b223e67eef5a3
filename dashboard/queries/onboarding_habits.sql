-- One row per habit of the first days; the ratio is null where too few had it.
select
    habit,
    what_to_show,
    within_days,
    best_count,
    rest_count,
    best_share,
    rest_share,
    case when is_sufficient then odds_ratio end as odds_ratio,
    case when is_sufficient then odds_ratio_low end as odds_ratio_low,
    case when is_sufficient then odds_ratio_high end as odds_ratio_high,
    is_shown
from marts.best_customer_habits
order by is_sufficient desc, odds_ratio desc, habit asc
