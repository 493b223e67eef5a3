with newcomers as (
    select * from {{ ref('int_newcomers') }}
),

value_days as (
    select
        customer_id,
        min(done_day) as time_to_value_days
    from {{ ref('int_newcomer_steps') }}
    where is_value
    group by customer_id
),

cohorts as (
    select
        cohort_month,
        count(*) as cohort_size
    from newcomers
    group by cohort_month
),

customers_per_day as (
    select
        newcomers.cohort_month,
        value_days.time_to_value_days,
        count(*) as customer_count
    from newcomers
    inner join value_days on newcomers.customer_id = value_days.customer_id
    group by newcomers.cohort_month, value_days.time_to_value_days
),

reached as (
    select
        cohort_month,
        time_to_value_days,
        sum(customer_count) over (
            partition by cohort_month order by time_to_value_days
            rows between unbounded preceding and current row
        ) as reached_count
    from customers_per_day
)

-- Of everyone in the cohort: a median of those alone who got there would flatter.
select
    cohorts.cohort_month,
    cohorts.cohort_size,
    min(case
        when 2 * reached.reached_count >= cohorts.cohort_size then reached.time_to_value_days
    end) as median_time_to_value_days,
    min(case
        when 4 * reached.reached_count >= 3 * cohorts.cohort_size then reached.time_to_value_days
    end) as p75_time_to_value_days
from cohorts
left join reached on cohorts.cohort_month = reached.cohort_month
group by cohorts.cohort_month, cohorts.cohort_size
