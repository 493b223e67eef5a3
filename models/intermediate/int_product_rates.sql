{#- How often customers who own something, but not this product, buy it within the horizon. -#}
{%- set calendar = product_calendar() -%}
with periods as (
    select * from {{ ref('int_owned_periods') }}
),

windows as (
    {{ product_windows() }}
),

numbers as (
    select cutoff_number
    from {{ ref('int_cutoffs') }}
    where cutoff_number <= {{ calendar.last_window }}
),

customer_spans as (
    select distinct
        customer_id,
        oldest_cutoff_number,
        latest_cutoff_number
    from periods
),

customers as (
    select
        numbers.cutoff_number,
        count(distinct customer_spans.customer_id) as customer_count
    from customer_spans
    inner join numbers
        on numbers.cutoff_number
        between customer_spans.latest_cutoff_number and customer_spans.oldest_cutoff_number
    group by numbers.cutoff_number
),

product_spans as (
    select
        product_id,
        oldest_cutoff_number,
        latest_cutoff_number,
        count(*) as owner_count
    from periods
    group by product_id, oldest_cutoff_number, latest_cutoff_number
),

owners as (
    select
        product_spans.product_id,
        numbers.cutoff_number,
        sum(product_spans.owner_count) as owner_count
    from product_spans
    inner join numbers
        on numbers.cutoff_number
        between product_spans.latest_cutoff_number and product_spans.oldest_cutoff_number
    group by product_spans.product_id, numbers.cutoff_number
),

buyers as (
    select
        product_id,
        cutoff_number,
        count(*) as buyer_count
    from {{ ref('int_new_products') }}
    group by product_id, cutoff_number
),

-- A product is known on a day when somebody owns it then, or did on the first day of a window.
known as (
    select
        windows.cutoff_number,
        owners.product_id
    from windows
    inner join owners on windows.cutoff_number = owners.cutoff_number
    union
    select
        windows.cutoff_number,
        owners.product_id
    from windows
    inner join owners on windows.window_number = owners.cutoff_number
    union
    select
        windows.cutoff_number,
        buyers.product_id
    from windows
    inner join buyers on windows.window_number = buyers.cutoff_number
),

totals as (
    select
        known.cutoff_number,
        known.product_id,
        cast(sum(coalesce(owners.owner_count, 0)) as bigint) as owner_count_90d,
        cast(sum(customers.customer_count - coalesce(owners.owner_count, 0)) as bigint)
            as trial_count_90d,
        cast(sum(coalesce(buyers.buyer_count, 0)) as bigint) as success_count_90d
    from known
    inner join windows on known.cutoff_number = windows.cutoff_number
    inner join customers on windows.window_number = customers.cutoff_number
    left join owners
        on
            windows.window_number = owners.cutoff_number
            and known.product_id = owners.product_id
    left join buyers
        on
            windows.window_number = buyers.cutoff_number
            and known.product_id = buyers.product_id
    group by known.cutoff_number, known.product_id
)

select
    product_id,
    cutoff_number,
    owner_count_90d,
    trial_count_90d,
    success_count_90d,
    {{ proportion('success_count_90d', 'trial_count_90d') }} as base_rate_90d,
    -- Without a customer who could have bought it for the first time nothing is known of it.
    case
        when trial_count_90d > 0 then row_number() over (
            partition by cutoff_number, trial_count_90d > 0
            order by {{ proportion('success_count_90d', 'trial_count_90d') }} desc, product_id asc
        )
    end as popularity_rank
from totals
