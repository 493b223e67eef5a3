{#- What else was known on each cut-off date: failed logins, tickets, the last score, products. -#}
with snapshots as (
    select
        customer_id,
        cutoff_number,
        cutoff_date,
        last_login_date
    from {{ ref('int_snapshot_rhythm') }}
),

activities as (
    select * from {{ ref('int_customer_activities') }}
    where activity in ('login_failure', 'ticket_opened', 'ticket_resolved', 'item_bought')
),

failures as (
    select
        customer_id,
        activity_date,
        activity_at
    from activities
    where activity = 'login_failure'
),

failure_days as (
    select distinct
        customer_id,
        activity_date
    from failures
),

-- Only on the day of a success does the moment tell whether a failure came after it.
successes as (
    select
        logins.customer_id,
        logins.activity_date,
        max(logins.activity_at) as last_success_at
    from {{ ref('int_customer_activities') }} as logins
    inner join failure_days
        on
            logins.customer_id = failure_days.customer_id
            and logins.activity_date = failure_days.activity_date
    where logins.activity = 'login_success'
    group by logins.customer_id, logins.activity_date
),

standing_failures as (
    select
        failures.customer_id,
        failures.activity_date
    from failures
    left join successes
        on
            failures.customer_id = successes.customer_id
            and failures.activity_date = successes.activity_date
    where successes.last_success_at is null or failures.activity_at > successes.last_success_at
),

streaks as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        count(*) as failed_login_streak
    from snapshots
    inner join standing_failures
        on
            snapshots.customer_id = standing_failures.customer_id
            and snapshots.cutoff_date >= standing_failures.activity_date
    where
        snapshots.last_login_date is null
        or standing_failures.activity_date >= snapshots.last_login_date
    group by snapshots.customer_id, snapshots.cutoff_number
),

resolutions as (
    select
        source_id,
        min(activity_date) as resolved_date
    from activities
    where activity = 'ticket_resolved'
    group by source_id
),

tickets as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        count(case when opened.detail = 'complaint' then 1 end) as complaint_count_180d,
        count(case
            when
                resolutions.resolved_date is null
                or resolutions.resolved_date > snapshots.cutoff_date
                then 1
        end) as unresolved_ticket_count
    from snapshots
    inner join activities as opened on snapshots.customer_id = opened.customer_id
    left join resolutions on opened.source_id = resolutions.source_id
    where
        opened.activity = 'ticket_opened'
        and {{ days_between('opened.activity_date', 'snapshots.cutoff_date') }} between 0 and 179
    group by snapshots.customer_id, snapshots.cutoff_number
),

products as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        count(distinct items.detail) as product_count
    from snapshots
    inner join activities as items on snapshots.customer_id = items.customer_id
    where items.activity = 'item_bought' and {{ known_on('items', 'snapshots.cutoff_date') }}
    group by snapshots.customer_id, snapshots.cutoff_number
)

select
    snapshots.customer_id,
    snapshots.cutoff_number,
    coalesce(streaks.failed_login_streak, 0) as failed_login_streak,
    coalesce(tickets.complaint_count_180d, 0) as complaint_count_180d,
    coalesce(tickets.unresolved_ticket_count, 0) as unresolved_ticket_count,
    coalesce(products.product_count, 0) as product_count
from snapshots
left join streaks
    on snapshots.customer_id = streaks.customer_id
    and snapshots.cutoff_number = streaks.cutoff_number
left join tickets
    on snapshots.customer_id = tickets.customer_id
    and snapshots.cutoff_number = tickets.cutoff_number
left join products
    on snapshots.customer_id = products.customer_id
    and snapshots.cutoff_number = products.cutoff_number
