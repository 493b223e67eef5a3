{#- The median gap between activity days over all customers, as known on each day. A full refund
    takes its order's gaps away on the day of the refund. -#}
with active_days as (
    select
        known_from,
        known_until,
        day,
        -- Over a year counts as a year: where the median is that long, 180 silent days come first.
        case when gap_days > 366 then 366 else gap_days end as gap_days
    from {{ ref('int_active_days') }}
),

capped as (
    select * from active_days where gap_days is not null
),

changes as (
    select
        case when day > known_from then day else known_from end as day,
        gap_days,
        count(*) as gap_count
    from capped
    group by case when day > known_from then day else known_from end, gap_days
    union all
    select
        known_until as day,
        gap_days,
        -count(*) as gap_count
    from capped
    where known_until < cast('9999-12-31' as date)
    group by known_until, gap_days
),

daily_changes as (
    select
        day,
        gap_days,
        sum(gap_count) as gap_count
    from changes
    group by day, gap_days
),

days as (
    select day from active_days
    union
    select day from daily_changes
),

lengths as (
    select distinct gap_days from daily_changes
),

so_far as (
    select
        days.day,
        lengths.gap_days,
        sum(coalesce(daily_changes.gap_count, 0)) over (
            partition by lengths.gap_days order by days.day rows unbounded preceding
        ) as gap_count
    from days
    cross join lengths
    left join daily_changes
        on days.day = daily_changes.day and lengths.gap_days = daily_changes.gap_days
),

ranked as (
    select
        day,
        gap_days,
        sum(gap_count)
            over (partition by day order by gap_days rows unbounded preceding) as count_up_to,
        sum(gap_count) over (partition by day) as total_count
    from so_far
    where gap_count > 0
)

-- The mean of the two middle gaps where their number is even.
select
    day,
    (
        min(case when 2 * count_up_to >= total_count then gap_days end)
        + min(case when 2 * count_up_to > total_count then gap_days end)
    ) / 2.0 as typical_gap_days
from ranked
group by day
