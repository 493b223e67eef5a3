with calendar as (
    select as_of_date from {{ ref('stg_calendar') }} where as_of_date is not null
),

parameters as (
    select
        margin_rate,
        is_margin_known
    from {{ ref('int_value_parameters') }}
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

claim as (
    select
        max(cast(low as double precision)) as low,
        max(cast(high as double precision)) as high
    from {{ ref('benchmarks') }}
    where claim = 'profit_growth_of_5_points_retention'
),

points as (
    {% for point_count in range(11) -%}
    select {{ point_count }} as point_count
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Of a base that is too small nothing is worked out.
base as (
    select
        counted.base_count,
        counted.retained_count,
        counted.base_days,
        case when counted.base_count >= limits.minimum_sample_count then counted.base_count end
            as sufficient_count,
        case
            when counted.base_count >= limits.minimum_sample_count
                then
                    cast(counted.retained_revenue as double precision)
                    / cast(nullif(counted.retained_count, 0) as double precision)
        end as mean_revenue
    from {{ ref('int_retention_base') }} as counted
    cross join limits
),

-- A hundredth of a customer is the smallest step, so that whole numbers say when all are retained.
scenarios as (
    select
        points.point_count,
        base.*,
        100 * (base.sufficient_count - base.retained_count) as lost_hundredths,
        points.point_count * base.sufficient_count as wanted_hundredths
    from points
    cross join base
),

added as (
    select
        scenarios.*,
        wanted_hundredths > lost_hundredths as is_capped,
        cast(
            case
                when wanted_hundredths > lost_hundredths then lost_hundredths
                else wanted_hundredths
            end as double precision
        ) as added_hundredths
    from scenarios
),

valued as (
    select
        added.*,
        parameters.margin_rate,
        parameters.is_margin_known,
        (100 * added.retained_count + added.added_hundredths)
        / nullif(100 * added.sufficient_count, 0) as retention_rate,
        added.mean_revenue * parameters.margin_rate as mean_profit
    from added
    cross join parameters
),

-- m r / (1 + d) + m r^2 / (1 + d)^2 + ... has no end where nobody leaves and nothing is discounted.
lived as (
    select
        valued.*,
        case
            when 1 + cast({{ var('annual_discount_rate') }} as double precision) > retention_rate
                then
                    mean_profit * retention_rate
                    / (1 + cast({{ var('annual_discount_rate') }} as double precision)
                        - retention_rate)
        end as lifetime_profit
    from valued
),

compared as (
    select
        lived.*,
        max(case when point_count = 0 then lifetime_profit end) over () as lifetime_profit_today
    from lived
)

select
    compared.point_count,
    compared.base_count,
    compared.retained_count,
    compared.base_days,
    compared.retention_rate,
    (100 * compared.retained_count + compared.added_hundredths) / 100 as customer_count,
    compared.added_hundredths / 100 as added_customer_count,
    cast(compared.mean_revenue as decimal(18, 2)) as mean_revenue,
    compared.margin_rate,
    cast(
        compared.added_hundredths / 100 * compared.mean_revenue as decimal(18, 2)
    ) as added_revenue,
    cast(
        compared.added_hundredths / 100 * compared.mean_profit as decimal(18, 2)
    ) as added_profit,
    -- A loss does not grow by a share.
    case
        when compared.mean_profit > 0
            then compared.added_hundredths / (100 * compared.retained_count)
    end as profit_growth_rate,
    cast(compared.lifetime_profit as decimal(18, 2)) as lifetime_profit,
    case
        when compared.lifetime_profit_today > 0
            then compared.lifetime_profit / compared.lifetime_profit_today - 1
    end as lifetime_profit_growth_rate,
    case when compared.point_count = 5 then claim.low end as claimed_growth_low,
    case when compared.point_count = 5 then claim.high end as claimed_growth_high,
    compared.is_capped,
    compared.is_margin_known,
    calendar.as_of_date
from compared
cross join calendar
cross join claim
