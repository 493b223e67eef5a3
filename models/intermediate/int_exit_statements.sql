{#- What leaving customers said, with the group that the reason belongs to. -#}
with answers as (
    select
        customer_id,
        'exit_survey' as source,
        response_id as source_id,
        answer as stated_reason,
        competitor,
        -- A survey of several questions is answered at one moment: the reason is what counts.
        coalesce(lower(question) like '%reason%', true) as is_about_reason,
        answered_date as stated_date,
        answered_at as stated_at
    from {{ ref('int_survey_answers') }}
    where survey = 'exit' and (answer is not null or competitor is not null)
),

cancellations as (
    select
        ids.customer_id,
        'cancellation' as source,
        subscriptions.subscription_id as source_id,
        subscriptions.cancel_reason as stated_reason,
        cast(null as {{ dbt.type_string() }}) as competitor,
        true as is_about_reason,
        {{ local_date('subscriptions.ended_at') }} as stated_date,
        subscriptions.ended_at as stated_at
    from {{ ref('stg_subscriptions') }} as subscriptions
    inner join {{ ref('int_customer_ids') }} as ids
        on subscriptions.customer_id = ids.source_customer_id
    cross join {{ ref('stg_calendar') }} as calendar
    where
        not ids.is_test
        and subscriptions.cancel_reason is not null
        and {{ local_date('subscriptions.ended_at') }} <= calendar.as_of_date
),

statements as (
    select * from answers
    union all
    select * from cancellations
)

select
    statements.customer_id,
    statements.source,
    statements.source_id,
    statements.stated_reason,
    case
        when statements.stated_reason is not null then coalesce(reason_groups.reason, 'other')
    end as reason,
    statements.competitor,
    reason_groups.is_winnable,
    statements.is_about_reason,
    statements.stated_date,
    statements.stated_at
from statements
left join {{ ref('exit_reason_groups') }} as reason_groups
    on lower(statements.stated_reason) = reason_groups.stated_reason
