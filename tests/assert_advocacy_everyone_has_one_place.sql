-- Every customer is in customer_advocacy once, in one tier and one quadrant that agree with the
-- deeds and the loyalty score; in every month lurkers, likers and lovers are all who were seen.
with limits as (
    {{ thresholds(['loyal_score', 'advocacy_window_days']) }}
),

rows_of_customers as (
    select
        customers.customer_id,
        count(advocacy.customer_id) as row_count
    from {{ ref('int_customers') }} as customers
    full outer join {{ ref('customer_advocacy') }} as advocacy
        on customers.customer_id = advocacy.customer_id
    group by customers.customer_id
),

placed as (
    select
        advocacy.*,
        coalesce(advocacy.loyalty_score >= limits.loyal_score, false) as is_loyal,
        coalesce(
            {{ days_between('advocacy.last_deed_date', 'advocacy.as_of_date') }}
            <= limits.advocacy_window_days,
            false
        ) as is_lover
    from {{ ref('customer_advocacy') }} as advocacy
    cross join limits
),

seen as (
    select
        months.month,
        count(customers.customer_id) as customer_count
    from {{ ref('int_months') }} as months
    inner join {{ ref('int_customers') }} as customers
        on months.last_known_date >= customers.first_seen_date
    group by months.month
)

select
    customer_id as place,
    'not once in customer_advocacy' as problem
from rows_of_customers
where customer_id is null or row_count <> 1
union all
select
    customer_id as place,
    'tier or quadrant' as problem
from placed
where
    is_lover <> (advocacy_tier = 'lover')
    or quadrant <> case
        when is_loyal and is_lover then 'loyal_advocate'
        when is_loyal then 'loyal_silent'
        when is_lover then 'disloyal_advocate'
        else 'neither'
    end
union all
select
    cast(coalesce(seen.month, tiers.month) as {{ dbt.type_string() }}) as place,
    'tiers of the month' as problem
from seen
full outer join {{ ref('advocacy_tiers') }} as tiers on seen.month = tiers.month
where
    seen.month is null
    or tiers.month is null
    or tiers.customer_count <> seen.customer_count
    or tiers.lurker_count + tiers.liker_count + tiers.lover_count <> seen.customer_count
    or tiers.lurker_count < 0
    or abs(tiers.lurker_share + tiers.liker_share + tiers.lover_share - 1) > 0.000000001
