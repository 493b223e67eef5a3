{#- Past dates take the customers of the snapshots. Popularity offers everybody what most buy.
    Rates of pairs are those of all owners, lost ones included: a customer's own probability to
    order at all, over the mean of all, makes them theirs. -#}
{%- set calendar = product_calendar() -%}
with owned as (
    select
        periods.customer_id,
        periods.product_id,
        snapshots.cutoff_number
    from {{ ref('int_owned_periods') }} as periods
    inner join {{ ref('int_snapshot_rhythm') }} as snapshots
        on
            periods.customer_id = snapshots.customer_id
            and snapshots.cutoff_number
            between periods.latest_cutoff_number and periods.oldest_cutoff_number
    where snapshots.cutoff_number in ({{ calendar.origins | join(', ') }})
),

customers as (
    select
        customer_id,
        cutoff_number,
        count(*) as product_count
    from owned
    group by customer_id, cutoff_number
),

order_chances as (
    select
        customer_id,
        0 as cutoff_number,
        order_probability_90d as order_probability
    from {{ ref('int_value_forecasts') }}
    union all
    select
        customer_id,
        cutoff_number,
        order_probability
    from {{ ref('int_backtest_forecasts') }}
    where horizon_days = {{ calendar.horizon_days }}
),

activity as (
    select
        customers.customer_id,
        customers.cutoff_number,
        coalesce(
            order_chances.order_probability / nullif(avg(order_chances.order_probability) over (
                partition by customers.cutoff_number
            ), 0),
            1
        ) as activity_ratio
    from customers
    left join order_chances
        on
            customers.customer_id = order_chances.customer_id
            and customers.cutoff_number = order_chances.cutoff_number
),

-- The best of the owned products speaks for the next one.
modelled as (
    select
        owned.customer_id,
        owned.cutoff_number,
        'model' as method,
        suggestions.next_product_id as product_id,
        suggestions.base_rate_90d,
        max(suggestions.probability) as probability
    from owned
    inner join customers
        on
            owned.customer_id = customers.customer_id
            and owned.cutoff_number = customers.cutoff_number
    inner join {{ ref('int_product_suggestions') }} as suggestions
        on
            owned.product_id = suggestions.product_id
            and owned.cutoff_number = suggestions.cutoff_number
            and customers.product_count + 2 >= suggestions.suggestion_rank
    group by
        owned.customer_id, owned.cutoff_number, suggestions.next_product_id,
        suggestions.base_rate_90d
),

popular as (
    select
        customers.customer_id,
        customers.cutoff_number,
        'popularity' as method,
        rates.product_id,
        rates.base_rate_90d,
        rates.base_rate_90d as probability
    from customers
    inner join {{ ref('int_product_rates') }} as rates
        on
            customers.cutoff_number = rates.cutoff_number
            and customers.product_count + 3 >= rates.popularity_rank
),

offers as (
    select * from modelled
    union all
    select * from popular
),

ranked as (
    select
        offers.*,
        row_number() over (
            partition by offers.customer_id, offers.cutoff_number, offers.method
            order by offers.probability desc, offers.base_rate_90d desc, offers.product_id asc
        ) as offer_rank
    from offers
    left join owned
        on
            offers.customer_id = owned.customer_id
            and offers.cutoff_number = owned.cutoff_number
            and offers.product_id = owned.product_id
    where owned.customer_id is null
)

select
    ranked.customer_id,
    ranked.cutoff_number,
    ranked.method,
    cast(ranked.offer_rank as integer) as rank,
    ranked.product_id,
    case
        when ranked.method = 'popularity' then ranked.probability
        else least(ranked.probability * activity.activity_ratio, 1)
    end as probability,
    -- What nobody bought for the first time has no rate to be above.
    ranked.probability / nullif(ranked.base_rate_90d, 0) as lift
from ranked
inner join activity
    on
        ranked.customer_id = activity.customer_id
        and ranked.cutoff_number = activity.cutoff_number
where ranked.offer_rank <= 3
