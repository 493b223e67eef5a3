with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['adoption_window_days', 'adopted_use_day_count']) }}
),

core as (
    select
        feature,
        lesson
    from {{ ref('int_core_features') }}
),

used as (
    select * from {{ ref('int_feature_use') }}
),

people as (
    select
        customer_id,
        true as is_recorded
    from used
    union all
    select
        customer_id,
        false as is_recorded
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
),

customers as (
    select
        customer_id,
        bool_or(is_recorded) as is_recorded
    from people
    group by customer_id
),

-- Of who left no event at all nobody knows what they use.
judged as (
    select
        customers.customer_id,
        core.feature,
        core.lesson,
        case
            when not customers.is_recorded then null
            when used.customer_id is null then 'unused'
            when
                {{ days_between('used.last_used_date', 'calendar.as_of_date') }}
                >= limits.adoption_window_days
                then 'lapsed'
            when used.use_day_count >= limits.adopted_use_day_count then 'adopted'
            else 'tried'
        end as state,
        case when customers.is_recorded then coalesce(used.use_day_count, 0) end as use_day_count,
        used.first_used_date,
        used.last_used_date,
        calendar.as_of_date
    from customers
    cross join core
    cross join calendar
    cross join limits
    left join used on customers.customer_id = used.customer_id and core.feature = used.feature
),

adopters as (
    select
        feature,
        count(case when state = 'adopted' then 1 end) as adopter_count
    from judged
    group by feature
),

-- What most others have adopted is taught first.
ranked as (
    select
        judged.customer_id,
        judged.feature,
        row_number() over (
            partition by judged.customer_id
            order by adopters.adopter_count desc, judged.feature asc
        ) as place
    from judged
    inner join adopters on judged.feature = adopters.feature
    where judged.state in ('unused', 'lapsed')
),

next_features as (
    select
        customer_id,
        feature
    from ranked
    where place = 1
)

select
    judged.customer_id,
    judged.feature,
    judged.lesson,
    judged.state,
    next_features.feature as next_feature,
    judged.use_day_count,
    adopters.adopter_count,
    coalesce(next_features.feature = judged.feature, false) as is_next,
    judged.first_used_date,
    judged.last_used_date,
    judged.as_of_date
from judged
inner join adopters on judged.feature = adopters.feature
left join next_features on judged.customer_id = next_features.customer_id
