{#- Latest scores and sendings of each month and of all time, counted before they are spread over
    segments: few rows remain of the many customers. -#}
{%- set counts = [
    'response_count', 'sent_count', 'answered_count', 'promoter_count', 'passive_count',
    'detractor_count', 'favourable_count',
] -%}
with limits as (
    {{ thresholds([
        'promoter_score', 'detractor_score', 'satisfied_score', 'easy_score',
    ]) }}
),

customers as (
    select
        customer_id,
        coalesce(archetype, 'unknown') as archetype,
        coalesce(country, 'unknown') as country,
        coalesce(entry_source, 'unknown') as entry_source
    from {{ ref('int_customers') }}
),

-- A score with a competitor beside it is one of the competitor.
sends as (
    select
        customer_id,
        survey,
        is_answered,
        {{ period_of('sent_date', 'month') }} as month
    from {{ ref('int_survey_sends') }}
    where survey in ('nps', 'csat', 'ces') and competitor is null
),

scores as (
    select
        customer_id,
        survey,
        scaled_score,
        answered_at,
        response_id,
        {{ period_of('answered_date', 'month') }} as month
    from {{ ref('int_survey_answers') }}
    where survey in ('nps', 'csat', 'ces') and competitor is null and scaled_score is not null
),

placed as (
    select
        scores.*,
        row_number() over (
            partition by survey, customer_id, month order by answered_at desc, response_id desc
        ) as place_in_month,
        row_number() over (
            partition by survey, customer_id order by answered_at desc, response_id desc
        ) as place
    from scores
),

-- Each month, and all time as a period without a start.
facts as (
    {% for period_start, place in {
        'month': 'place_in_month', 'cast(null as date)': 'place',
    }.items() %}
    select
        customer_id,
        survey,
        {{ period_start }} as period_start,
        scaled_score,
        1 as response_count,
        0 as sent_count,
        0 as answered_count
    from placed
    where {{ place }} = 1
    union all
    select
        customer_id,
        survey,
        {{ period_start }} as period_start,
        cast(null as double precision) as scaled_score,
        0 as response_count,
        1 as sent_count,
        case when is_answered then 1 else 0 end as answered_count
    from sends
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (
    select
        facts.*,
        case
            when facts.survey = 'nps' and facts.scaled_score >= limits.promoter_score then 1
            else 0
        end as promoter_count,
        case
            when
                facts.survey = 'nps'
                and facts.scaled_score > limits.detractor_score
                and facts.scaled_score < limits.promoter_score
                then 1
            else 0
        end as passive_count,
        case
            when facts.survey = 'nps' and facts.scaled_score <= limits.detractor_score then 1
            else 0
        end as detractor_count,
        case
            when facts.survey = 'csat' and facts.scaled_score >= limits.satisfied_score then 1
            when facts.survey = 'ces' and facts.scaled_score >= limits.easy_score then 1
            else 0
        end as favourable_count
    from facts
    cross join limits
)

select
    judged.survey,
    judged.period_start,
    customers.archetype,
    customers.country,
    customers.entry_source,
    {%- for count in counts %}
    cast(sum(judged.{{ count }}) as bigint) as {{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
from judged
inner join customers on judged.customer_id = customers.customer_id
group by
    judged.survey, judged.period_start, customers.archetype, customers.country,
    customers.entry_source
