{{ config(materialized='incremental', meta={'touched_by': 'int_touched_customers'}) }}
{#- Login days with the usage trend: the exponentially weighted login-day rate with a half-life of
    14 days over that of 56 days. Counted back from the customer's final login, weights cannot
    overflow. -#}
with login_days as (
    select distinct
        customer_id,
        activity_date as login_date
    from {{ ref('int_customer_activities') }}
    where activity = 'login_success' and {{ is_touched() }}
),

measured as (
    select
        customer_id,
        login_date,
        {{ days_between(
            'login_date', 'max(login_date) over (partition by customer_id)'
        ) }} as days_to_final_login
    from login_days
),

weighted as (
    select
        customer_id,
        login_date,
        days_to_final_login,
        power(cast(2 as double precision), -days_to_final_login / 14.0) as short_weight,
        power(cast(2 as double precision), -days_to_final_login / 56.0) as long_weight
    from measured
),

running as (
    select
        customer_id,
        login_date,
        days_to_final_login,
        lag(login_date, 3)
            over (partition by customer_id order by login_date) as fourth_last_login_date,
        sum(short_weight) over so_far as short_weight_sum,
        sum(long_weight) over so_far as long_weight_sum
    from weighted
    window so_far as (
        partition by customer_id order by login_date
        rows between unbounded preceding and current row
    )
)

select
    customer_id,
    login_date,
    fourth_last_login_date,
    -- Null where the weights of logins decades before the final one are too small for a number.
    nullif(short_weight_sum, 0) / long_weight_sum
    * power(cast(2 as double precision), days_to_final_login * 3.0 / 56)
    * (1 - power(cast(2 as double precision), -1 / 14.0))
    / (1 - power(cast(2 as double precision), -1 / 56.0)) as usage_trend
from running
