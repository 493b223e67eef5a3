-- Everyone came from one source: customers, money and stages over all sources are those over all
-- customers, and what was spent on acquisition is part of what was spent.
{% set stages = ['like', 'trust', 'try', 'buy', 'repeat', 'refer'] %}
with sources as (
    select
        coalesce(sum(customer_count), 0) as customer_count,
        coalesce(sum(touch_cost), 0) as touch_cost,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(subscription_revenue), 0) as subscription_revenue,
        coalesce(sum(total_revenue), 0) as total_revenue,
        {% for stage in stages -%}
        coalesce(sum({{ stage }}_count), 0) as {{ stage }}_count,
        {% endfor -%}
        count(case when acquisition_cost > touch_cost then 1 end)
            as contradicting_count
    from {{ ref('entry_sources') }}
),

customers as (
    select
        count(*) as customer_count,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('customers') }}
),

subscriptions as (
    select coalesce(sum(amount), 0) as subscription_revenue
    from {{ ref('int_customer_activities') }}
    where activity = 'subscription_month'
),

touches as (
    select coalesce(sum(amount), 0) as touch_cost
    from {{ ref('int_customer_activities') }}
    where activity in ('touch_inbound', 'touch_outbound')
),

lifecycle as (
    select
        {% for stage in stages -%}
        count({{ stage }}_at) as {{ stage }}_count{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('customer_lifecycle') }}
)

select
    sources.*,
    customers.customer_count as all_customer_count,
    touches.touch_cost as all_touch_cost,
    customers.net_revenue as all_net_revenue,
    subscriptions.subscription_revenue as all_subscription_revenue
from sources
cross join customers
cross join subscriptions
cross join touches
cross join lifecycle
where
    sources.customer_count <> customers.customer_count
    or sources.touch_cost <> touches.touch_cost
    or sources.net_revenue <> customers.net_revenue
    or sources.subscription_revenue <> subscriptions.subscription_revenue
    or sources.total_revenue <> customers.net_revenue + subscriptions.subscription_revenue
    or sources.contradicting_count > 0
    {% for stage in stages -%}
    or sources.{{ stage }}_count <> lifecycle.{{ stage }}_count
    {% endfor %}
