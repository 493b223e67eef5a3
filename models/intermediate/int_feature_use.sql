with use_days as (
    select
        customer_id,
        detail as feature,
        activity_date,
        count(*) as use_count
    from {{ ref('int_customer_activities') }}
    where activity = 'feature_used'
    group by customer_id, detail, activity_date
)

select
    use_days.customer_id,
    use_days.feature,
    core.feature is not null as is_core,
    count(*) as use_day_count,
    cast(sum(use_days.use_count) as bigint) as use_count,
    min(use_days.activity_date) as first_used_date,
    max(use_days.activity_date) as last_used_date
from use_days
left join {{ ref('core_features') }} as core on use_days.feature = core.feature
group by use_days.customer_id, use_days.feature, core.feature
