with months as (
    select * from {{ ref('int_months') }}
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

benchmark as (
    select
        {% for tier in ['lurker', 'liker', 'lover'] -%}
        max(case when claim = '{{ tier }}_share' then cast(low as double precision) end)
            as {{ tier }}_share
        {{- ',' if not loop.last }}
        {% endfor %}
    from {{ ref('benchmarks') }}
),

seen as (
    select
        months.month,
        months.is_complete,
        count(*) as customer_count
    from months
    inner join {{ ref('int_customers') }} as customers
        on months.last_known_date >= customers.first_seen_date
    group by months.month, months.is_complete
),

speakers as (
    select
        tiers.month,
        count(case when tiers.advocacy_tier = 'liker' then 1 end) as liker_count,
        count(case when tiers.advocacy_tier = 'lover' then 1 end) as lover_count,
        sum(case when tiers.advocacy_tier = 'liker' then brought.revenue end) as liker_revenue,
        sum(case when tiers.advocacy_tier = 'lover' then brought.revenue end) as lover_revenue
    from {{ ref('int_advocacy_months') }} as tiers
    left join {{ ref('int_referral_revenue_months') }} as brought
        on tiers.month = brought.month and tiers.customer_id = brought.referrer_id
    group by tiers.month
),

counted as (
    select
        seen.*,
        coalesce(speakers.liker_count, 0) as liker_count,
        coalesce(speakers.lover_count, 0) as lover_count,
        cast(seen.customer_count as double precision) as customers,
        cast(coalesce(speakers.liker_count, 0) as double precision) as likers,
        cast(coalesce(speakers.lover_count, 0) as double precision) as lovers,
        cast(coalesce(speakers.liker_revenue, 0) as double precision)
        / cast(nullif(speakers.liker_count, 0) as double precision) as revenue_per_liker,
        cast(coalesce(speakers.lover_revenue, 0) as double precision)
        / cast(nullif(speakers.lover_count, 0) as double precision) as revenue_per_lover
    from seen
    left join speakers on seen.month = speakers.month
),

-- Nobody can be moved who is no liker: one point of all customers may be more than there are.
moved as (
    select
        counted.*,
        customers - likers - lovers as lurkers,
        customers / 100 as one_percent_customers,
        likers / 100 as one_percent_of_likers,
        case when customers / 100 > likers then likers else customers / 100 end as movable,
        revenue_per_lover - revenue_per_liker as revenue_gained
    from counted
)

select
    moved.month,
    moved.customer_count,
    moved.customer_count - moved.liker_count - moved.lover_count as lurker_count,
    moved.liker_count,
    moved.lover_count,
    moved.lurkers / moved.customers as lurker_share,
    moved.likers / moved.customers as liker_share,
    moved.lovers / moved.customers as lover_share,
    benchmark.lurker_share as benchmark_lurker_share,
    benchmark.liker_share as benchmark_liker_share,
    benchmark.lover_share as benchmark_lover_share,
    moved.one_percent_customers,
    moved.one_percent_of_likers,
    moved.movable / nullif(moved.lovers, 0) as lover_growth_of_one_percent_customers,
    moved.one_percent_of_likers / nullif(moved.lovers, 0) as lover_growth_of_one_percent_of_likers,
    cast(moved.revenue_per_lover as decimal(18, 2)) as referral_revenue_per_lover,
    cast(moved.revenue_per_liker as decimal(18, 2)) as referral_revenue_per_liker,
    cast(moved.movable * moved.revenue_gained as decimal(18, 2)) as effect_of_one_percent_customers,
    cast(moved.one_percent_of_likers * moved.revenue_gained as decimal(18, 2))
        as effect_of_one_percent_of_likers,
    moved.lover_count >= limits.minimum_sample_count as is_sufficient,
    moved.is_complete,
    calendar.as_of_date
from moved
cross join limits
cross join benchmark
cross join {{ ref('stg_calendar') }} as calendar
