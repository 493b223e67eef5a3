-- The last month of advocacy_tiers and customer_advocacy count the same lurkers, likers and lovers:
-- both are of the as-of date. Whom nothing dates is in no month.
with today as (
    select
        {{ period_of('advocacy.as_of_date', 'month') }} as month,
        count(case when advocacy.advocacy_tier = 'lurker' then 1 end) as lurker_count,
        count(case when advocacy.advocacy_tier = 'liker' then 1 end) as liker_count,
        count(case when advocacy.advocacy_tier = 'lover' then 1 end) as lover_count
    from {{ ref('customer_advocacy') }} as advocacy
    inner join {{ ref('int_customers') }} as customers
        on advocacy.customer_id = customers.customer_id
    where customers.first_seen_date is not null
    group by {{ period_of('advocacy.as_of_date', 'month') }}
),

numbered as (
    select
        tiers.*,
        row_number() over (order by tiers.month desc) as months_ago
    from {{ ref('advocacy_tiers') }} as tiers
),

last_month as (
    select
        month,
        lurker_count,
        liker_count,
        lover_count
    from numbered
    where months_ago = 1
)

select
    coalesce(today.month, last_month.month) as month,
    today.lurker_count,
    last_month.lurker_count as lurker_count_of_month,
    today.liker_count,
    last_month.liker_count as liker_count_of_month,
    today.lover_count,
    last_month.lover_count as lover_count_of_month
from today
full outer join last_month on today.month = last_month.month
where
    today.month is null
    or last_month.month is null
    or today.lurker_count <> last_month.lurker_count
    or today.liker_count <> last_month.liker_count
    or today.lover_count <> last_month.lover_count
