{%- set questions = ['repurchase', 'recommend', 'trust', 'timely', 'care'] -%}
with answers as (
    select * from {{ ref('int_brand_scores') }}
    where
        survey = 'loyalty'
        and is_latest_of_month
        and topic in ('satisfied', '{{ questions | join("', '") }}')
),

customer_months as (
    select distinct
        customer_id,
        month
    from answers
),

ours as (
    select
        customer_id,
        month,
        {%- for question in ['satisfied'] + questions %}
        max(case when topic = '{{ question }}' then scaled_score end) as {{ question }},
        {%- endfor %}
        count(case when topic <> 'satisfied' then 1 end) as answered_count,
        count(case when topic in ('satisfied', 'repurchase', 'recommend') then 1 end)
            as secure_answer_count,
        count(
            case
                when topic in ('satisfied', 'repurchase', 'recommend') and scaled_score < 100
                    then 1
            end
        ) as less_than_top_count
    from answers
    where competitor is null
    group by customer_id, month
),

competitors as (
    select
        customer_id,
        month,
        competitor,
        avg(scaled_score) as score
    from answers
    where competitor is not null and topic <> 'satisfied'
    group by customer_id, month, competitor
),

-- The cut to nine decimals makes equal means equal, whatever the order of their sums.
placed as (
    select
        competitors.*,
        row_number() over (
            partition by customer_id, month
            order by cast(score as decimal(18, 9)) desc, competitor asc
        ) as place
    from competitors
),

rivals as (
    select
        customer_id,
        month,
        count(*) as competitor_count,
        avg(score) as competitor_index,
        max(case when place = 1 then competitor end) as best_competitor,
        max(case when place = 1 then score end) as best_competitor_index
    from placed
    group by customer_id, month
),

indexed as (
    select
        ours.*,
        -- Null as soon as one of the five is.
        ({{ questions | join(' + ') }}) / {{ questions | length }} as loyalty_index,
        case
            when less_than_top_count > 0 then false
            when secure_answer_count = 3 then true
        end as is_secure
    from ours
)

select
    customer_months.customer_id,
    customer_months.month,
    indexed.satisfied,
    {%- for question in questions %}
    indexed.{{ question }},
    {%- endfor %}
    coalesce(indexed.answered_count, 0) as answered_count,
    indexed.loyalty_index,
    coalesce(rivals.competitor_count, 0) as competitor_count,
    rivals.competitor_index,
    rivals.best_competitor,
    rivals.best_competitor_index,
    indexed.loyalty_index - rivals.best_competitor_index as relative_index,
    indexed.is_secure,
    calendar.as_of_date
from customer_months
left join indexed
    on customer_months.customer_id = indexed.customer_id
    and customer_months.month = indexed.month
left join rivals
    on customer_months.customer_id = rivals.customer_id and customer_months.month = rivals.month
cross join {{ ref('stg_calendar') }} as calendar
