with customers as (
    select * from {{ ref('int_customers') }}
),

buyers as (
    select
        reseller_id,
        customer_id,
        count(*) as order_count,
        count(distinct order_date) as purchase_day_count,
        sum(net_revenue) as net_revenue
    from {{ ref('int_reseller_orders') }}
    group by reseller_id, customer_id
),

members as (
    select reseller_id, customer_id from buyers
    union
    select reseller_id, customer_id from customers
    where reseller_id is not null
    union
    -- Nobody brought them and nobody sold to them: they are in no reseller's books.
    select '(direct)' as reseller_id, customers.customer_id
    from customers
    left join buyers on customers.customer_id = buyers.customer_id
    where customers.reseller_id is null and buyers.customer_id is null
),

lost as (
    select customer_id
    from {{ ref('int_customer_states') }}
    where until_date is null and state = 'lost'
),

limits as (
    {{ thresholds(['satisfied_score']) }}
),

-- An answer in words alone has no score that could count.
csat_answers as (
    select
        customer_id,
        scaled_score,
        row_number() over (
            partition by customer_id order by answered_at desc, response_id asc
        ) as answer_number
    from {{ ref('int_survey_answers') }}
    where survey = 'csat' and scaled_score is not null
),

resellers as (
    select
        members.reseller_id,
        count(*) as customer_count,
        count(buyers.customer_id) as buyer_count,
        count(case when buyers.purchase_day_count >= 2 then 1 end) as repeat_buyer_count,
        count(case when lost.customer_id is null then buyers.customer_id end) as kept_count,
        cast(coalesce(sum(buyers.order_count), 0) as bigint) as order_count,
        coalesce(sum(buyers.net_revenue), 0) as net_revenue,
        count(csat_answers.customer_id) as csat_response_count,
        count(case when csat_answers.scaled_score >= limits.satisfied_score then 1 end)
            as satisfied_count
    from members
    cross join limits
    left join buyers
        on members.reseller_id = buyers.reseller_id and members.customer_id = buyers.customer_id
    left join lost on members.customer_id = lost.customer_id
    left join csat_answers
        on members.customer_id = csat_answers.customer_id and csat_answers.answer_number = 1
    group by members.reseller_id
),

divisors as (
    select
        resellers.*,
        cast(nullif(buyer_count, 0) as double precision) as buyer_divisor,
        cast(nullif(csat_response_count, 0) as double precision) as csat_divisor
    from resellers
)

select
    divisors.reseller_id,
    divisors.customer_count,
    divisors.buyer_count,
    divisors.repeat_buyer_count,
    divisors.kept_count,
    divisors.order_count,
    cast(divisors.net_revenue as decimal(18, 2)) as net_revenue,
    cast(divisors.net_revenue / divisors.buyer_divisor as decimal(18, 2)) as revenue_per_buyer,
    divisors.repeat_buyer_count / divisors.buyer_divisor as repeat_rate,
    divisors.kept_count / divisors.buyer_divisor as retention_rate,
    divisors.csat_response_count,
    divisors.satisfied_count / divisors.csat_divisor as csat_rate,
    divisors.reseller_id = '(direct)' as is_direct,
    calendar.as_of_date
from divisors
cross join {{ ref('stg_calendar') }} as calendar
