with calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds(['follow_up_days']) }}
),

outbound as (
    select
        customer_id,
        purpose in (
            'welcome', 'education', 'newsletter', 'community', 'content', 'seminar'
        ) as is_educational,
        touched_date
    from {{ ref('int_touches') }}
    where direction = 'outbound' and not is_control
),

touches as (
    select
        customer_id,
        count(*) as touch_count,
        count(case when is_educational then 1 end) as educational_count,
        max(touched_date) as last_contact_date
    from outbound
    group by customer_id
),

pitches as (
    select
        customer_id,
        count(*) as pitch_count,
        count(case when is_adopted is null then 1 end) as unjudged_pitch_count,
        count(case when not is_adopted then 1 end) as early_pitch_count,
        max(case when not is_adopted then pitched_date end) as last_early_pitch_date
    from {{ ref('int_pitches') }}
    group by customer_id
),

repeated_questions as (
    select
        customer_id,
        count(*) as repeated_question_count
    from {{ ref('int_repeated_questions') }}
    group by customer_id
),

questions as (
    select
        customer_id,
        count(*) as question_count
    from {{ ref('int_survey_sends') }}
    group by customer_id
),

-- Where nobody was ever followed up, follow-ups are not kept in this data.
kept as (
    select count(*) as follow_up_count from {{ ref('int_first_follow_ups') }}
),

sales as (
    select
        totals.customer_id,
        totals.first_paid_date,
        {{ days_between('totals.first_paid_date', 'follow_ups.followed_up_date') }}
            as days_to_follow_up,
        {{ days_between('totals.first_paid_date', 'calendar.as_of_date') }} as days_since_sale
    from {{ ref('int_customer_totals') }} as totals
    cross join calendar
    left join {{ ref('int_first_follow_ups') }} as follow_ups
        on totals.customer_id = follow_ups.customer_id
)

select
    customers.customer_id,
    coalesce(touches.touch_count, 0) as touch_count,
    coalesce(touches.educational_count, 0) as educational_count,
    {{ proportion('touches.educational_count', 'touches.touch_count') }} as educational_share,
    coalesce(pitches.pitch_count, 0) as pitch_count,
    coalesce(pitches.early_pitch_count, 0) as early_pitch_count,
    case
        when pitches.early_pitch_count > 0 then true
        when coalesce(pitches.unjudged_pitch_count, 0) = 0 then false
    end as is_pitched_too_early,
    sales.days_to_follow_up,
    -- Null for who never bought, and while the days are not over.
    case
        when sales.days_to_follow_up <= limits.follow_up_days then false
        when sales.days_since_sale > limits.follow_up_days and kept.follow_up_count > 0 then true
    end as is_silent_after_sale,
    coalesce(questions.question_count, 0) as question_count,
    coalesce(repeated_questions.repeated_question_count, 0) as repeated_question_count,
    coalesce(repeated_questions.repeated_question_count, 0) > 0 as is_asked_twice,
    sales.first_paid_date,
    pitches.last_early_pitch_date,
    touches.last_contact_date,
    calendar.as_of_date
from {{ ref('int_customers') }} as customers
cross join calendar
cross join limits
cross join kept
left join touches on customers.customer_id = touches.customer_id
left join pitches on customers.customer_id = pitches.customer_id
left join questions on customers.customer_id = questions.customer_id
left join repeated_questions on customers.customer_id = repeated_questions.customer_id
left join sales on customers.customer_id = sales.customer_id
