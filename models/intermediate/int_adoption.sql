{#- Whether a customer uses what they have, on the as-of date and on the cut-off dates of the
    backtests. Judged by the best evidence that there was by then. -#}
with limits as (
    {{ thresholds(['adoption_window_days', 'adopted_feature_share', 'adopted_week_count']) }}
),

snapshots as (
    select * from {{ ref('int_customer_snapshots') }}
    where {{ is_readiness_cutoff('cutoff_number') }}
),

windows as (
    select
        cutoffs.cutoff_number,
        cutoffs.cutoff_date,
        limits.adoption_window_days
    from {{ ref('int_cutoffs') }} as cutoffs
    cross join limits
    where {{ is_readiness_cutoff('cutoffs.cutoff_number') }}
),

core as (
    select count(*) as core_feature_count from {{ ref('core_features') }}
),

feature_days as (
    select distinct
        activities.customer_id,
        activities.detail as feature,
        activities.activity_date as day
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('core_features') }} as features on activities.detail = features.feature
    where activities.activity = 'feature_used'
),

features as (
    select
        feature_days.customer_id,
        windows.cutoff_number,
        count(distinct feature_days.feature) as feature_count
    from feature_days
    inner join windows
        on
            feature_days.day <= windows.cutoff_date
            and {{ days_between('feature_days.day', 'windows.cutoff_date') }}
            < windows.adoption_window_days
    group by feature_days.customer_id, windows.cutoff_number
),

first_uses as (
    select
        customer_id,
        min(first_used_date) as first_used_date
    from {{ ref('int_feature_use') }}
    group by customer_id
),

login_days as (
    select
        customer_id,
        login_date as day
    from {{ ref('int_customer_login_days') }}
),

login_weeks as (
    select
        login_days.customer_id,
        windows.cutoff_number,
        count(distinct floor(
            {{ days_between('login_days.day', 'windows.cutoff_date') }}
            / cast(7 as double precision)
        )) as week_count
    from login_days
    inner join windows
        on
            login_days.day <= windows.cutoff_date
            and {{ days_between('login_days.day', 'windows.cutoff_date') }}
            < windows.adoption_window_days
    group by login_days.customer_id, windows.cutoff_number
),

first_logins as (
    select
        customer_id,
        min(day) as first_login_date
    from login_days
    group by customer_id
),

known as (
    select
        snapshots.customer_id,
        snapshots.cutoff_number,
        case
            when
                first_uses.first_used_date <= snapshots.cutoff_date
                and core.core_feature_count > 0
                then 'features'
            when first_logins.first_login_date <= snapshots.cutoff_date then 'logins'
            when snapshots.purchase_day_count > 0 then 'purchases'
        end as adoption_basis,
        core.core_feature_count,
        coalesce(features.feature_count, 0) as feature_count,
        coalesce(login_weeks.week_count, 0) as week_count,
        snapshots.purchase_day_count,
        snapshots.days_since_purchase,
        snapshots.cutoff_date
    from snapshots
    cross join core
    left join first_uses on snapshots.customer_id = first_uses.customer_id
    left join first_logins on snapshots.customer_id = first_logins.customer_id
    left join features
        on snapshots.customer_id = features.customer_id
        and snapshots.cutoff_number = features.cutoff_number
    left join login_weeks
        on snapshots.customer_id = login_weeks.customer_id
        and snapshots.cutoff_number = login_weeks.cutoff_number
)

select
    known.customer_id,
    known.cutoff_number,
    known.adoption_basis,
    -- A share times a count in binary fractions can miss a whole number.
    case known.adoption_basis
        when 'features'
            then
                known.feature_count
                >= cast(limits.adopted_feature_share as decimal(18, 6)) * known.core_feature_count
        when 'logins' then known.week_count >= limits.adopted_week_count
        -- With two purchase days or more the last one is not the first.
        when 'purchases'
            then
                known.purchase_day_count > 1
                and known.days_since_purchase < limits.adoption_window_days
    end as is_adopted,
    known.cutoff_date
from known
cross join limits
