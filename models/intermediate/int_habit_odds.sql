with limits as (
    {{ thresholds(['habit_cell_count']) }}
),

sums as (
    select
        habit,
        cast(sum(best_count) as bigint) as best_count,
        cast(sum(rest_count) as bigint) as rest_count,
        cast(sum(best_habit_count) as bigint) as best_habit_count,
        cast(sum(rest_habit_count) as bigint) as rest_habit_count,
        {{ mantel_haenszel_sums(
            'best_habit_count', '(best_count - best_habit_count)',
            'rest_habit_count', '(rest_count - rest_habit_count)',
        ) }}
    from {{ ref('int_habit_cells') }}
    group by habit
),

shares as (
    select
        sums.*,
        {{ proportion('best_habit_count', 'best_count') }} as best_share,
        {{ proportion('rest_habit_count', 'rest_count') }} as rest_share,
        {{ mantel_haenszel_ratio() }} as odds_ratio,
        {{ mantel_haenszel_bound('-') }} as odds_ratio_low,
        {{ mantel_haenszel_bound('+') }} as odds_ratio_high,
        least(
            best_habit_count, best_count - best_habit_count,
            rest_habit_count, rest_count - rest_habit_count
        ) as smallest_cell
    from sums
),

lessons as (
    select
        habit,
        min(what_to_show) as what_to_show,
        min(within_days) as within_days
    from {{ ref('int_habits') }}
    group by habit
)

select
    shares.habit,
    lessons.what_to_show,
    cast(row_number() over (
        order by
            shares.smallest_cell < limits.habit_cell_count,
            coalesce(shares.odds_ratio_low, -1) desc,
            shares.habit
    ) as integer) as habit_rank,
    lessons.within_days,
    shares.best_count,
    shares.rest_count,
    shares.best_habit_count,
    shares.rest_habit_count,
    shares.best_share,
    shares.rest_share,
    shares.best_share / nullif(shares.rest_share, 0) as lift,
    shares.odds_ratio,
    shares.odds_ratio_low,
    shares.odds_ratio_high,
    shares.smallest_cell >= limits.habit_cell_count as is_sufficient,
    coalesce(shares.odds_ratio_low > 1, false)
    and shares.smallest_cell >= limits.habit_cell_count as is_shown
from shares
cross join limits
inner join lessons on shares.habit = lessons.habit
