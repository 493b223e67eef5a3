{#- The best customers and the rest by habit, within quarters of tenure: who came long ago has had
    more time to be worth much, and was shown another product. -#}
with limits as (
    {{ thresholds(['best_habit_age_days', 'valuable_customer_share']) }}
),

payers as (
    select
        totals.customer_id,
        pulse.state,
        totals.net_revenue + totals.subscription_revenue as total_revenue,
        limits.valuable_customer_share,
        ntile(4) over (order by totals.first_paid_date, totals.customer_id) as tenure_quarter
    from {{ ref('int_customer_totals') }} as totals
    inner join {{ ref('int_customer_pulse') }} as pulse on totals.customer_id = pulse.customer_id
    cross join limits
    where
        {{ days_between('totals.first_paid_date', 'pulse.as_of_date') }}
        >= limits.best_habit_age_days
),

ranked as (
    select
        payers.*,
        -- No tiebreaker: who is worth the same is among the best together or not at all.
        rank() over (partition by tenure_quarter order by total_revenue desc) as revenue_rank,
        count(*) over (partition by tenure_quarter) as payer_count
    from payers
),

-- A share times a count in binary fractions can fall just short of a whole number.
judged as (
    select
        customer_id,
        tenure_quarter,
        total_revenue > 0
        and revenue_rank <= cast(valuable_customer_share as decimal(18, 6)) * payer_count
        and state <> 'lost' as is_best
    from ranked
),

quarters as (
    select
        tenure_quarter,
        count(case when is_best then 1 end) as best_count,
        count(case when not is_best then 1 end) as rest_count
    from judged
    group by tenure_quarter
),

done as (
    select distinct
        customer_id,
        habit
    from {{ ref('int_habit_progress') }}
    where is_done
),

counts as (
    select
        done.habit,
        judged.tenure_quarter,
        count(case when judged.is_best then 1 end) as best_habit_count,
        count(case when not judged.is_best then 1 end) as rest_habit_count
    from done
    inner join judged on done.customer_id = judged.customer_id
    group by done.habit, judged.tenure_quarter
),

habits as (
    select distinct habit from {{ ref('int_habits') }}
)

select
    habits.habit,
    quarters.tenure_quarter,
    quarters.best_count,
    quarters.rest_count,
    coalesce(counts.best_habit_count, 0) as best_habit_count,
    coalesce(counts.rest_habit_count, 0) as rest_habit_count
from habits
cross join quarters
left join counts
    on habits.habit = counts.habit and quarters.tenure_quarter = counts.tenure_quarter
