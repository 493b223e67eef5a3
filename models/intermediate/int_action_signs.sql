{#- What speaks for each play of the seed plays, with the reason in a sentence. A customer can show
    several signs; contact_plan takes one. -#}
with pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

ladder as (
    select
        signs.customer_id,
        signs.sign,
        case
            when signs.sign = 'locked_out'
                then 'Failed to log in ' || pulse.failed_login_streak || ' times in a row'
            when signs.sign = 'lost'
                then
                    'Lost since ' || pulse.state_since
                    || coalesce('; reason: ' || nullif(leavers.reason, 'not_stated'), '')
            when pulse.state = 'dormant' then 'Silent for ' || pulse.days_silent || ' days'
            when signs.sign = 'silent'
                then 'Uses it less since ' || pulse.state_since || '; an offer had no answer'
            when signs.sign = 'unanswered'
                then 'Uses it less since ' || pulse.state_since || '; a lesson had no answer'
            else 'Uses it less since ' || pulse.state_since
        end as reason
    from {{ ref('int_ladder_signs') }} as signs
    inner join pulse on signs.customer_id = pulse.customer_id
    left join {{ ref('win_back_candidates') }} as leavers
        on signs.customer_id = leavers.customer_id
    -- Who left for a reason that cannot be mended is let go.
    where signs.sign <> 'lost' or coalesce(leavers.is_winnable, true)
),

open_complaints as (
    select
        complaints.*,
        row_number() over (
            partition by complaints.customer_id
            order by complaints.opened_date, complaints.ticket_id
        ) as complaint_number
    from {{ ref('int_complaints') }} as complaints
    where not complaints.is_resolved
),

complaints as (
    select
        customer_id,
        'open_complaint' as sign,
        'Complaint of ' || opened_date
        || case when is_answered then ' is not resolved' else ' waits for an answer' end as reason
    from open_complaints
    where complaint_number = 1
),

-- The first step of the checklist that is stalled.
stalled as (
    select
        steps.*,
        row_number() over (
            partition by steps.customer_id order by steps.step_number
        ) as stalled_number
    from {{ ref('onboarding_steps') }} as steps
    -- What no peer has done cannot be shown by example: it may not be kept in the data.
    where steps.is_stalled or (steps.is_sequence_stalled and steps.peer_done_count > 0)
),

onboarding as (
    select
        stalled.customer_id,
        'onboarding_stalled' as sign,
        case
            when stalled.is_stalled
                then
                    'Not done: ' || stalled.step || ', which '
                    || cast(floor(100 * stalled.peer_completion_rate) as integer)
                    || ' % of the newcomers of that age have done'
            else 'Overdue since ' || stalled.due_date || ': ' || stalled.step
        end as reason
    from stalled
    inner join pulse on stalled.customer_id = pulse.customer_id
    where stalled.stalled_number = 1 and pulse.state <> 'lost'
),

lessons as (
    select
        pulse.customer_id,
        'lesson_due' as sign,
        case
            when habits.next_habit is not null
                then 'New, and has not yet done what those who stay do: ' || habits.next_habit
            else 'Does not use ' || features.feature || ': ' || features.lesson
        end as reason
    from pulse
    inner join {{ ref('int_adoption') }} as adoption
        on pulse.customer_id = adoption.customer_id and adoption.cutoff_number = 0
    left join {{ ref('feature_adoption') }} as features
        on pulse.customer_id = features.customer_id
        and features.is_next
        and not adoption.is_adopted
    left join {{ ref('onboarding_progress') }} as habits
        on pulse.customer_id = habits.customer_id
    where
        pulse.state in ('new', 'active', 'reactivated')
        and (features.feature is not null or habits.next_habit is not null)
),

offers as (
    select
        customer_id,
        'ready' as sign,
        'Ready for ' || next_product_1 || ': uses what they have, is satisfied and not at risk'
            as reason
    from {{ ref('cross_sell_readiness') }}
    where is_ready and next_product_1 is not null
),

asks as (
    select
        customer_id,
        'advocate' as sign,
        case when advocacy_tier = 'lover' then 'Spoke for us' else 'Would recommend us' end
        || '; next to ask for: ' || next_ask as reason
    from {{ ref('customer_advocacy') }}
    where next_ask is not null
)

{% for signs in ['ladder', 'complaints', 'onboarding', 'lessons', 'offers', 'asks'] %}
select customer_id, sign, reason from {{ signs }}
union all
{%- endfor %}
select customer_id, sign, reason from {{ ref('int_worth_signs') }}
