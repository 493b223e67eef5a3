-- At each month's end every customer seen by then is in one of the stages of the ladder, with its
-- rank, and in one of the seven states: the counts over stages and over states are all of them.
with stages as (
    select distinct stage, stage_rank from {{ ref('stage_rules') }}
),

counted as (
    select
        months.month,
        count(stages.stage) as in_a_stage_count,
        count(case
            when
                months.state in (
                    'prospect', 'new', 'reactivated', 'lost', 'dormant', 'declining', 'active'
                )
                then 1
        end) as in_a_state_count,
        count(distinct months.customer_id) as customer_count
    from {{ ref('customer_months') }} as months
    left join stages
        on months.stage = stages.stage and months.stage_rank = stages.stage_rank
    group by months.month
),

newcomers as (
    select
        cast({{ dbt.date_trunc('month', 'first_seen_date') }} as date) as month,
        count(*) as newcomer_count
    from {{ ref('customers') }}
    where first_seen_date is not null
    group by cast({{ dbt.date_trunc('month', 'first_seen_date') }} as date)
),

expected as (
    select
        months.month,
        sum(coalesce(newcomers.newcomer_count, 0))
            over (order by months.month rows unbounded preceding) as customer_count
    from {{ ref('int_months') }} as months
    left join newcomers on months.month = newcomers.month
)

select
    coalesce(expected.month, counted.month) as month,
    expected.customer_count as expected_count,
    counted.customer_count,
    counted.in_a_stage_count,
    counted.in_a_state_count
from expected
full outer join counted on expected.month = counted.month
where
    expected.month is null
    or counted.month is null
    or counted.customer_count <> expected.customer_count
    or counted.in_a_stage_count <> expected.customer_count
    or counted.in_a_state_count <> expected.customer_count
