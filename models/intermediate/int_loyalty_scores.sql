{#- Behaviour and answers only: no deed, no opinion and no amount of money is read here, so that
    loyalty, advocacy and value are told apart. -#}
with paid_days as (
    select distinct
        customer_id,
        activity_date as paid_date
    from {{ ref('int_customer_activities') }}
    where activity in ('order_paid', 'subscription_month') and voided_date is null
),

limits as (
    {{ thresholds(['full_tenure_days']) }}
),

gaps as (
    select
        customer_id,
        paid_date,
        cast(
            {{ days_between(
                'lag(paid_date) over (partition by customer_id order by paid_date)', 'paid_date'
            ) }} as double precision
        ) as gap_days
    from paid_days
),

payers as (
    select
        customer_id,
        min(paid_date) as first_paid_date,
        max(paid_date) as last_paid_date,
        percentile_cont(0.5) within group (order by gap_days) as typical_gap_days
    from gaps
    group by customer_id
),

repurchase_answers as (
    select
        customer_id,
        scaled_score,
        row_number() over (
            partition by customer_id order by answered_at desc, response_id desc
        ) as answer_number
    from {{ ref('int_survey_answers') }}
    where
        survey = 'loyalty'
        and lower(trim(question)) = 'repurchase'
        and competitor is null
        and scaled_score is not null
),

measured as (
    select
        payers.customer_id,
        payers.typical_gap_days,
        cast(
            {{ days_between('payers.last_paid_date', 'calendar.as_of_date') }} as double precision
        ) as days_since_paid,
        cast(
            {{ days_between('payers.first_paid_date', 'payers.last_paid_date') }}
            as double precision
        ) as tenure_days,
        cast(limits.full_tenure_days as double precision) as full_tenure_days,
        pulse.usage_trend,
        answers.scaled_score as repurchase_score
    from payers
    cross join limits
    cross join {{ ref('stg_calendar') }} as calendar
    left join {{ ref('int_customer_pulse') }} as pulse on payers.customer_id = pulse.customer_id
    left join repurchase_answers as answers
        on payers.customer_id = answers.customer_id and answers.answer_number = 1
),

parts as (
    select
        customer_id,
        -- Who paid once has come back never: that is known, and no rhythm at all.
        case
            when typical_gap_days is null then cast(0 as double precision)
            when days_since_paid <= typical_gap_days then cast(100 as double precision)
            else 100 * typical_gap_days / days_since_paid
        end as regularity_score,
        case
            when tenure_days >= full_tenure_days then cast(100 as double precision)
            else 100 * tenure_days / full_tenure_days
        end as tenure_score,
        case
            when usage_trend >= 1 then cast(100 as double precision)
            else 100 * usage_trend
        end as usage_score,
        repurchase_score
    from measured
)

select
    customer_id,
    (regularity_score + tenure_score + coalesce(usage_score, 0) + coalesce(repurchase_score, 0))
    / (
        cast(2 as double precision)
        + case when usage_score is not null then 1 else 0 end
        + case when repurchase_score is not null then 1 else 0 end
    ) as loyalty_score,
    regularity_score,
    tenure_score,
    usage_score,
    repurchase_score
from parts
