{%- set pairs = [('loyalty', 'value'), ('loyalty', 'advocacy'), ('value', 'advocacy')] -%}
with limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

-- All three axes are known of those who have paid.
scores as (
    select
        customer_id,
        loyalty_score as loyalty,
        value_percentile as value,
        advocacy_score as advocacy
    from {{ ref('customer_advocacy') }}
    where loyalty_score is not null and value_percentile is not null
),

-- Twice the rank from the middle. No tiebreaker: equal scores share the mean of their ranks, as
-- Spearman's coefficient has it.
ranks as (
    select
        customer_id,
        {% for axis in ['loyalty', 'value', 'advocacy'] -%}
        cast(
            2 * rank() over (order by {{ axis }})
            + count(*) over (partition by {{ axis }})
            - count(*) over () - 2
            as double precision
        ) as {{ axis }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from scores
),

-- Where all are equal there is no order to agree on.
correlations as (
    {% for axis, other in pairs -%}
    select
        '{{ axis }}' as axis,
        '{{ other }}' as other_axis,
        count(*) as customer_count,
        sum({{ axis }} * {{ other }})
        / nullif(sqrt(sum({{ axis }} * {{ axis }}) * sum({{ other }} * {{ other }})), 0) as spearman
    from ranks
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Fisher's z with the variance of Bonett and Wright; a perfect correlation has no width.
intervals as (
    select
        correlations.*,
        case
            when abs(spearman) < 1 and customer_count > 3
                then ln((1 + spearman) / (1 - spearman)) / 2
        end as z,
        case
            when customer_count > 3
                then cast(1.959963984540054 as double precision) * sqrt(
                    (1 + spearman * spearman / 2) / (customer_count - 3)
                )
        end as margin
    from correlations
    where customer_count > 0
)

select
    intervals.axis,
    intervals.other_axis,
    intervals.customer_count,
    intervals.spearman,
    1 - 2 / (exp(2 * (intervals.z - intervals.margin)) + 1) as spearman_low,
    1 - 2 / (exp(2 * (intervals.z + intervals.margin)) + 1) as spearman_high,
    intervals.customer_count >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from intervals
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
