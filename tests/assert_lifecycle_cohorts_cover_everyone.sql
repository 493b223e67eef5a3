-- Each customer with the activity is in one cohort of it: sizes add up to them, all are active in
-- the month that made them a cohort, a cohort has one size, and no age is missing.
with cohorts as (
    select
        activity,
        cohort_month,
        as_of_date,
        max(cohort_size) as cohort_size,
        min(cohort_size) as smallest_size,
        sum(case when age_months = 0 then retained_count end) as retained_at_age_zero,
        count(*) as age_count,
        min(age_months) as first_age,
        max(age_months) as last_age
    from {{ ref('retention_cohorts') }}
    group by activity, cohort_month, as_of_date
),

sizes as (
    select
        activity,
        sum(cohort_size) as customer_count
    from cohorts
    group by activity
),

customers_with_activity as (
    select
        'order' as activity,
        count(*) as customer_count
    from {{ ref('customers') }}
    where order_count > 0
    union all
    select
        'login' as activity,
        count(*) as customer_count
    from {{ ref('customers') }}
    where successful_login_count > 0
)

select
    activity,
    cohort_month,
    'shape of the cohort' as problem
from cohorts
where
    cohort_size <> smallest_size
    or retained_at_age_zero is null
    or retained_at_age_zero <> cohort_size
    or first_age <> 0
    or age_count <> last_age + 1
    or last_age <> {{ dbt.datediff('cohort_month', 'as_of_date', 'month') }}
union all
select
    customers_with_activity.activity,
    cast(null as date) as cohort_month,
    'customers of all cohorts' as problem
from customers_with_activity
left join sizes on customers_with_activity.activity = sizes.activity
where customers_with_activity.customer_count <> coalesce(sizes.customer_count, 0)
