{#- Failed logins since the last one that worked. A failure at the moment of a success is before
    it: a slip that the success made good. -#}
with failures as (
    select * from {{ ref('int_customer_activities') }} where activity = 'login_failure'
),

totals as (
    select
        customer_id,
        last_login_at
    from {{ ref('int_customer_totals') }}
),

streaks as (
    select
        failures.customer_id,
        failures.detail as method,
        failures.activity_date,
        failures.activity_at,
        totals.last_login_at,
        row_number() over (
            partition by failures.customer_id
            order by failures.activity_at desc, failures.source_id desc
        ) as recency
    from failures
    left join totals on failures.customer_id = totals.customer_id
    where totals.last_login_at is null or failures.activity_at > totals.last_login_at
)

select
    customer_id,
    max(case when recency = 1 then method end) as method,
    count(*) as failed_login_streak,
    min(activity_date) as locked_out_date,
    min(activity_at) as locked_out_since,
    max(activity_date) as last_failure_date,
    max(activity_at) as last_failure_at,
    max(last_login_at) as last_success_at
from streaks
group by customer_id
