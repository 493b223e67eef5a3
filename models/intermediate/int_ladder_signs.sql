{#- The rung of the escalation ladder on which a customer stands, and being locked out. A rung is
    left for the next when it had no answer for long enough. -#}
with pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

activities as (
    select * from {{ ref('int_customer_activities') }}
    where activity in ('touch_outbound', 'touch_answered')
),

limits as (
    {{ thresholds(['lockout_failure_count', 'lost_after_days', 'play_answer_days']) }}
),

answers as (
    select distinct source_id
    from activities
    where activity = 'touch_answered'
),

-- What was tried since the decline began, and the rung that follows it without an answer.
attempts as (
    select
        pulse.customer_id,
        case when touches.detail = 'promotion' then 2 else 1 end as rung,
        {{ days_between('touches.activity_date', 'pulse.as_of_date') }} as days_ago,
        answers.source_id is not null as is_answered
    from activities as touches
    inner join pulse on touches.customer_id = pulse.customer_id
    left join answers on touches.source_id = answers.source_id
    where
        pulse.state = 'declining'
        and touches.activity = 'touch_outbound'
        and touches.detail in ('education', 'seminar', 'promotion')
        and touches.activity_date >= pulse.state_since
),

tried as (
    select
        customer_id,
        rung,
        max(days_ago) as waited_days
    from attempts
    group by customer_id, rung
    having count(case when is_answered then 1 end) = 0
),

rungs as (
    select
        tried.customer_id,
        max(tried.rung) as rung
    from tried
    cross join limits
    where tried.waited_days >= limits.play_answer_days
    group by tried.customer_id
)

select
    pulse.customer_id,
    'locked_out' as sign
from pulse
cross join limits
inner join {{ ref('int_login_streaks') }} as streaks on pulse.customer_id = streaks.customer_id
-- Who has not even tried for so long is not kept out, but gone.
where
    pulse.failed_login_streak >= limits.lockout_failure_count
    and {{ days_between('streaks.last_failure_date', 'pulse.as_of_date') }}
    < limits.lost_after_days
union all
select
    pulse.customer_id,
    case
        when pulse.state = 'dormant' or rungs.rung = 2 then 'silent'
        when rungs.rung = 1 then 'unanswered'
        else pulse.state
    end as sign
from pulse
left join rungs on pulse.customer_id = rungs.customer_id
where pulse.state in ('lost', 'dormant', 'declining')
