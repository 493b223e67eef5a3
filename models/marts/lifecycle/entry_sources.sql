{%- set stages = ['like', 'trust', 'try', 'buy', 'repeat', 'refer'] -%}
with customers as (
    select
        customer_id,
        coalesce(entry_source, 'unknown') as entry_source,
        coalesce(entry_campaign, 'none') as entry_campaign
    from {{ ref('int_customers') }}
),

totals as (
    select * from {{ ref('int_customer_totals') }}
),

activities as (
    select * from {{ ref('int_customer_activities') }}
    where
        voided_date is null
        and activity in ('touch_inbound', 'touch_outbound', 'referral_made', 'was_referred')
),

evidence as (
    select
        customer_id,
        {% for stage in stages -%}
        max(case when stage = '{{ stage }}' then 1 else 0 end) as {{ stage }}_count
        {{- ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_stage_evidence') }}
    where known_until = cast('9999-12-31' as date)
    group by customer_id
),

referrers as (
    select distinct customer_id from activities where activity = 'referral_made'
),

-- Two ids of one person are no referral of that person.
referred as (
    select distinct referrals.customer_id
    from activities as referrals
    left join activities as own_referrals
        on referrals.source_id = own_referrals.source_id
        and referrals.customer_id = own_referrals.customer_id
        and own_referrals.activity = 'referral_made'
    where referrals.activity = 'was_referred' and own_referrals.customer_id is null
),

touch_costs as (
    select
        touches.customer_id,
        sum(touches.amount) as touch_cost,
        sum(case
            when totals.first_paid_at is null or touches.activity_at <= totals.first_paid_at
                then touches.amount
        end) as acquisition_cost
    from activities as touches
    inner join totals on touches.customer_id = totals.customer_id
    where touches.activity in ('touch_inbound', 'touch_outbound')
    group by touches.customer_id
),

sources as (
    select
        customers.entry_source,
        customers.entry_campaign,
        count(*) as customer_count,
        {% for stage in stages -%}
        cast(coalesce(sum(evidence.{{ stage }}_count), 0) as bigint) as {{ stage }}_count,
        {% endfor -%}
        count(referred.customer_id) as came_by_referral_count,
        count(referrers.customer_id) as made_referral_count,
        coalesce(sum(touch_costs.touch_cost), 0) as touch_cost,
        coalesce(sum(touch_costs.acquisition_cost), 0) as acquisition_cost,
        coalesce(sum(totals.net_revenue), 0) as net_revenue,
        coalesce(sum(totals.subscription_revenue), 0) as subscription_revenue,
        coalesce(sum(totals.net_revenue + totals.subscription_revenue), 0) as total_revenue,
        cast(count(*) as double precision) as divisor
    from customers
    left join totals on customers.customer_id = totals.customer_id
    left join evidence on customers.customer_id = evidence.customer_id
    left join referred on customers.customer_id = referred.customer_id
    left join referrers on customers.customer_id = referrers.customer_id
    left join touch_costs on customers.customer_id = touch_costs.customer_id
    group by customers.entry_source, customers.entry_campaign
)

select
    sources.entry_source,
    sources.entry_campaign,
    sources.customer_count,
    {% for stage in stages -%}
    sources.{{ stage }}_count,
    {% endfor -%}
    sources.came_by_referral_count,
    sources.made_referral_count,
    {% for measure in stages + ['came_by_referral', 'made_referral'] -%}
    sources.{{ measure }}_count / sources.divisor as {{ measure }}_rate,
    {% endfor -%}
    cast(sources.touch_cost as decimal(18, 2)) as touch_cost,
    cast(sources.acquisition_cost as decimal(18, 2)) as acquisition_cost,
    cast(sources.net_revenue as decimal(18, 2)) as net_revenue,
    cast(sources.subscription_revenue as decimal(18, 2)) as subscription_revenue,
    cast(sources.total_revenue as decimal(18, 2)) as total_revenue,
    cast(sources.total_revenue / sources.divisor as decimal(18, 2)) as revenue_per_customer,
    cast(sources.touch_cost / sources.divisor as decimal(18, 2)) as cost_per_customer,
    cast(
        sources.acquisition_cost / cast(nullif(sources.buy_count, 0) as double precision)
        as decimal(18, 2)
    ) as cost_per_buyer,
    calendar.as_of_date
from sources
cross join {{ ref('stg_calendar') }} as calendar
