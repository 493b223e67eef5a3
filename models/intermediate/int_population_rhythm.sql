{#- The median gap between activity days over all customers, as known on each day. -#}
with active_days as (
    select distinct
        customer_id,
        activity_date as day
    from {{ ref('int_customer_activities') }}
    where
        (
            activity in ('order_paid', 'login_success')
            or (activity = 'subscription_month' and quantity = 1)
        )
        and (voided_date is null or voided_date > activity_date)
),

gaps as (
    select
        day,
        {{ days_between('lag(day) over (partition by customer_id order by day)', 'day') }} as gap_days
    from active_days
),

-- Gaps of over a year count as a year: where the median is that long, 180 silent days come first.
counted as (
    select
        day,
        case when gap_days > 366 then 366 else gap_days end as gap_days,
        count(*) as gap_count
    from gaps
    where gap_days is not null
    group by day, case when gap_days > 366 then 366 else gap_days end
),

days as (
    select distinct day from active_days
),

lengths as (
    select distinct gap_days from counted
),

so_far as (
    select
        days.day,
        lengths.gap_days,
        sum(coalesce(counted.gap_count, 0)) over (
            partition by lengths.gap_days order by days.day rows unbounded preceding
        ) as gap_count
    from days
    cross join lengths
    left join counted on days.day = counted.day and lengths.gap_days = counted.gap_days
),

ranked as (
    select
        day,
        gap_days,
        sum(gap_count) over (partition by day order by gap_days rows unbounded preceding) as count_up_to,
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
