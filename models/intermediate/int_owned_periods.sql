{#- When a customer owned a product, in numbers of cut-off dates. An order refunded in full was
    owned until the day of its refund. -#}
{%- set step_days = cutoff_calendar().step_days -%}
with items as (
    select
        activities.customer_id,
        activities.detail as product_id,
        activities.activity_date as owned_from,
        -- Not refunded yet: to the day after the last one that is known.
        coalesce(
            activities.voided_date,
            cast({{ dbt.dateadd('day', 1, 'calendar.as_of_date') }} as date)
        ) as owned_until,
        calendar.as_of_date
    from {{ ref('int_customer_activities') }} as activities
    cross join {{ ref('stg_calendar') }} as calendar
    where activities.activity = 'item_bought'
),

-- Equal items are one, so that the order below is unique.
different as (
    select distinct * from items
),

reaches as (
    select
        different.*,
        max(owned_until) over (
            partition by customer_id, product_id
            order by owned_from, owned_until
            rows between unbounded preceding and 1 preceding
        ) as owned_until_before
    from different
),

numbered as (
    select
        reaches.*,
        sum(case when owned_until_before >= owned_from then 0 else 1 end) over (
            partition by customer_id, product_id
            order by owned_from, owned_until
            rows unbounded preceding
        ) as period_number
    from reaches
),

periods as (
    select
        customer_id,
        product_id,
        min(owned_from) as owned_from,
        max(owned_until) as owned_until,
        min(as_of_date) as as_of_date
    from numbered
    group by customer_id, product_id, period_number
),

counted as (
    select
        customer_id,
        product_id,
        cast(least(
            floor(cast({{ days_between('owned_from', 'as_of_date') }} as double precision)
                / {{ step_days }}),
            {{ cutoff_calendar().last_number }}
        ) as integer) as oldest_cutoff_number,
        cast(
            floor(cast({{ days_between('owned_until', 'as_of_date') }} as double precision)
                / {{ step_days }}) + 1
            as integer
        ) as latest_cutoff_number
    from periods
)

select
    customer_id,
    product_id,
    oldest_cutoff_number,
    latest_cutoff_number
from counted
where latest_cutoff_number <= oldest_cutoff_number
