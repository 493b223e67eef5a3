{#- Whether customers use what they have at given moments, judged by the best evidence that there
    was by then. Over the CTEs `moments` (customer_id, moment, day, purchase_day_count and
    days_since_purchase by then) and `limits` (the thresholds adoption_window_days,
    adopted_feature_share and adopted_week_count), the CTE `adoption`: one row per customer and
    moment with adoption_basis and is_adopted, null without evidence. -#}
{% macro adoption_ctes() -%}
core as (
    select count(*) as core_feature_count from {{ ref('int_core_features') }}
),

first_uses as (
    select
        customer_id,
        min(first_used_date) as first_used_date
    from {{ ref('int_feature_use') }}
    group by customer_id
),

feature_days as (
    select distinct
        activities.customer_id,
        activities.detail as feature,
        activities.activity_date as day
    from {{ ref('int_customer_activities') }} as activities
    inner join {{ ref('int_core_features') }} as features on activities.detail = features.feature
    where activities.activity = 'feature_used'
),

features as (
    select
        moments.customer_id,
        moments.moment,
        count(distinct feature_days.feature) as feature_count
    from moments
    cross join limits
    inner join feature_days on moments.customer_id = feature_days.customer_id
    where
        feature_days.day <= moments.day
        and {{ days_between('feature_days.day', 'moments.day') }} < limits.adoption_window_days
    group by moments.customer_id, moments.moment
),

first_logins as (
    select
        customer_id,
        min(login_date) as first_login_date
    from {{ ref('int_customer_login_days') }}
    group by customer_id
),

login_weeks as (
    select
        moments.customer_id,
        moments.moment,
        count(distinct floor(
            {{ days_between('logins.login_date', 'moments.day') }} / cast(7 as double precision)
        )) as week_count
    from moments
    cross join limits
    inner join {{ ref('int_customer_login_days') }} as logins
        on moments.customer_id = logins.customer_id
    where
        logins.login_date <= moments.day
        and {{ days_between('logins.login_date', 'moments.day') }} < limits.adoption_window_days
    group by moments.customer_id, moments.moment
),

evidence as (
    select
        moments.customer_id,
        moments.moment,
        moments.day,
        case
            when first_uses.first_used_date <= moments.day and core.core_feature_count > 0
                then 'features'
            when first_logins.first_login_date <= moments.day then 'logins'
            when moments.purchase_day_count > 0 then 'purchases'
        end as adoption_basis,
        core.core_feature_count,
        coalesce(features.feature_count, 0) as feature_count,
        coalesce(login_weeks.week_count, 0) as week_count,
        moments.purchase_day_count,
        moments.days_since_purchase
    from moments
    cross join core
    left join first_uses on moments.customer_id = first_uses.customer_id
    left join first_logins on moments.customer_id = first_logins.customer_id
    {% for facts in ['features', 'login_weeks'] -%}
    left join {{ facts }}
        on moments.customer_id = {{ facts }}.customer_id
        and moments.moment = {{ facts }}.moment
    {% endfor %}
),

adoption as (
    select
        evidence.customer_id,
        evidence.moment,
        evidence.day,
        evidence.adoption_basis,
        -- A share times a count in binary fractions can miss a whole number.
        case evidence.adoption_basis
            when 'features'
                then
                    evidence.feature_count
                    >= cast(limits.adopted_feature_share as decimal(18, 6))
                    * evidence.core_feature_count
            when 'logins' then evidence.week_count >= limits.adopted_week_count
            -- With two purchase days or more the last one is not the first.
            when 'purchases'
                then
                    evidence.purchase_day_count > 1
                    and evidence.days_since_purchase < limits.adoption_window_days
        end as is_adopted
    from evidence
    cross join limits
)
{%- endmacro %}
