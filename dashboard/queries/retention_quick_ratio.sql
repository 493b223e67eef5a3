-- One row per month that is over and activity.
select
    period_start as month,
    activity,
    quick_ratio,
    active_count
from marts.growth_accounting
where
    period = 'month'
    and is_complete
    and quick_ratio is not null
    and activity in ('order', 'login')
order by activity, period_start
