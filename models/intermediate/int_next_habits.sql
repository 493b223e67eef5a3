{#- What to show a newcomer next: the habit that most sets the best customers apart, of those that
    can still be done in time. -#}
with newcomers as (
    select * from {{ ref('int_newcomers') }} where is_new
),

shown as (
    select
        habits.habit,
        habits.evidence,
        habits.min_distinct_days,
        habits.within_days,
        odds.habit_rank
    from {{ ref('int_habits') }} as habits
    inner join {{ ref('int_habit_odds') }} as odds on habits.habit = odds.habit
    where odds.is_shown
),

progress as (
    select * from {{ ref('int_habit_progress') }}
),

-- The days that are left begin tomorrow: of today all is known.
chances as (
    select
        newcomers.customer_id,
        shown.habit,
        shown.habit_rank,
        coalesce(progress.is_done, false) as is_done,
        coalesce(progress.day_count, 0) + shown.within_days - 1 - newcomers.age_days
        >= shown.min_distinct_days as is_possible
    from newcomers
    inner join shown on newcomers.age_days < shown.within_days
    left join progress
        on newcomers.customer_id = progress.customer_id
        and shown.habit = progress.habit
        and shown.evidence = progress.evidence
),

-- A habit with several pieces of evidence is done by the first of them.
habits as (
    select
        customer_id,
        habit,
        habit_rank
    from chances
    group by customer_id, habit, habit_rank
    having
        count(case when is_done then 1 end) = 0
        and count(case when is_possible then 1 end) > 0
),

ranked as (
    select
        habits.*,
        row_number() over (partition by customer_id order by habit_rank) as place
    from habits
)

select
    customer_id,
    habit
from ranked
where place = 1
