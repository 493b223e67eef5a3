{%- set attributes = {
    'archetype': 'unknown', 'country': 'unknown', 'entry_source': 'unknown',
    'entry_campaign': 'none', 'preferred_channel': 'unknown', 'reseller_id': 'none',
} -%}
with limits as (
    {{ thresholds(['valuable_customer_share', 'minimum_sample_count']) }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

payers as (
    select
        customer_id,
        first_payment,
        net_revenue + subscription_revenue as total_revenue
    from {{ ref('int_customer_totals') }}
    where first_payment is not null
),

referrers as (
    select customer_id
    from {{ ref('int_stage_evidence') }}
    where stage = 'refer' and known_until = cast('9999-12-31' as date)
),

ranked as (
    select
        customer_id,
        first_payment,
        total_revenue,
        rank() over (order by total_revenue desc) as revenue_rank,
        count(*) over () as payer_count
    from payers
),

-- A share times a count in binary fractions can fall just short of a whole number.
profiles as (
    select
        customers.customer_id,
        {% for attribute, missing in attributes.items() -%}
        coalesce(customers.{{ attribute }}, '{{ missing }}') as {{ attribute }},
        {% endfor -%}
        ranked.first_payment,
        ranked.total_revenue > 0
        and ranked.revenue_rank
        <= cast(limits.valuable_customer_share as decimal(18, 6)) * ranked.payer_count
        and referrers.customer_id is not null as is_ideal
    from ranked
    cross join limits
    inner join customers on ranked.customer_id = customers.customer_id
    left join referrers on ranked.customer_id = referrers.customer_id
),

populations as (
    select
        count(case when is_ideal then 1 end) as ideal_customer_count,
        count(case when not is_ideal then 1 end) as rest_customer_count
    from profiles
),

counts as (
    {% for attribute in attributes.keys() | list + ['first_payment'] -%}
    select
        '{{ attribute }}' as attribute,
        {{ attribute }} as attribute_value,
        count(case when is_ideal then 1 end) as ideal_count,
        count(case when not is_ideal then 1 end) as rest_count
    from profiles
    group by {{ attribute }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

shares as (
    select
        counts.*,
        populations.ideal_customer_count,
        populations.rest_customer_count,
        counts.ideal_count
        / cast(nullif(populations.ideal_customer_count, 0) as double precision) as ideal_share,
        counts.rest_count
        / cast(nullif(populations.rest_customer_count, 0) as double precision) as rest_share
    from counts
    cross join populations
),

-- 1.96 to the last bit of a double; each bracket is at least 0, also after rounding.
lifts as (
    select
        shares.*,
        ideal_share / nullif(rest_share, 0) as lift,
        case
            when ideal_count > 0 and rest_count > 0
                then cast(1.959963984540054 as double precision) * sqrt(
                    (
                        1 / cast(ideal_count as double precision)
                        - 1 / cast(ideal_customer_count as double precision)
                    )
                    + (
                        1 / cast(rest_count as double precision)
                        - 1 / cast(rest_customer_count as double precision)
                    )
                )
        end as log_margin
    from shares
)

select
    lifts.attribute,
    lifts.attribute_value,
    lifts.ideal_count,
    lifts.rest_count,
    lifts.ideal_customer_count,
    lifts.rest_customer_count,
    lifts.ideal_share,
    lifts.rest_share,
    lifts.lift,
    lifts.lift * exp(-lifts.log_margin) as lift_low,
    lifts.lift * exp(lifts.log_margin) as lift_high,
    lifts.ideal_customer_count >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from lifts
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
