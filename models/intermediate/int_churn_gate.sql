{#- Why churn is not predicted, with the figures that a fit on the as-of date would learn from. -#}
{%- set training = cutoff_calendar().training -%}
with limits as (
    {{ thresholds(['churn_event_count']) }}
),

bases as (
    select 'activity' as churn_basis
    union all
    select 'contract' as churn_basis
),

current_fits as (
    select * from {{ ref('int_churn_parameters') }} where cutoff_number = 0
),

snapshots as (
    select
        churn_basis,
        count(case when is_churned then 1 end) as churned_count,
        count(case when not is_churned then 1 end) as stayed_count,
        count(distinct cutoff_number) as cutoff_count
    from {{ ref('int_snapshot_outcomes') }}
    where cutoff_number between {{ training | join(' and ') }}
    group by churn_basis
),

counted as (
    select
        bases.churn_basis,
        current_fits.fit_id,
        limits.churn_event_count,
        coalesce(snapshots.churned_count, 0) as churned_count,
        coalesce(snapshots.stayed_count, 0) as stayed_count,
        coalesce(snapshots.cutoff_count, 0) as cutoff_count
    from bases
    cross join limits
    left join current_fits on bases.churn_basis = current_fits.churn_basis
    left join snapshots on bases.churn_basis = snapshots.churn_basis
)

select
    churn_basis,
    fit_id,
    -- First that applies.
    case
        when fit_id is not null then null
        when churned_count < churn_event_count
            then {{ too_few(
                'fewer observed cases of churn', 'churned_count', 'churn_event_count'
            ) }}
        when stayed_count < churn_event_count
            then {{ too_few(
                'fewer observed cases of staying', 'stayed_count', 'churn_event_count'
            ) }}
        when cutoff_count < 2
            then {{ too_few('fewer past dates to learn from', 'cutoff_count', '2') }}
        else 'no model of churn is fitted yet: run evergreen fit'
    end as unpredictable_reason
from counted
