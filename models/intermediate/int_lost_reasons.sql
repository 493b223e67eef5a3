{#- Why a customer who is lost today left, in their own words. -#}
with lost as (
    select * from {{ ref('int_lost_intervals') }} where until_date is null
),

-- What was said in an earlier spell is not why they left now.
statements as (
    select statements.*
    from {{ ref('int_exit_statements') }} as statements
    inner join lost
        on statements.customer_id = lost.customer_id
        and statements.stated_date >= lost.spell_start_date
),

reasons as (
    select
        statements.*,
        row_number() over (
            partition by customer_id
            order by
                case when source = 'exit_survey' then 0 else 1 end asc,
                stated_at desc,
                case when is_about_reason then 0 else 1 end asc,
                source_id asc
        ) as choice
    from statements
    where
        stated_reason is not null
        -- A change of plan is no leaving, and the end of a trial is no reason.
        and (source = 'exit_survey' or reason not in ('plan_change', 'trial_ended'))
),

competitors as (
    select
        customer_id,
        competitor,
        row_number() over (
            partition by customer_id
            order by
                stated_at desc,
                case when is_about_reason then 0 else 1 end asc,
                source_id asc
        ) as choice
    from statements
    where competitor is not null
)

select
    lost.customer_id,
    reasons.reason,
    reasons.source as reason_source,
    reasons.stated_reason,
    competitors.competitor,
    reasons.is_winnable
from lost
left join reasons on lost.customer_id = reasons.customer_id and reasons.choice = 1
left join competitors on lost.customer_id = competitors.customer_id and competitors.choice = 1
where reasons.customer_id is not null or competitors.customer_id is not null
