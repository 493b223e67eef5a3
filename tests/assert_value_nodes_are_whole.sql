-- The nodes of the current fit know every frequency up to the largest, and weigh 1 for each.
with weights as (
    select
        frequency,
        sum(weight) as weight
    from {{ ref('stg_model_nodes') }}
    group by frequency
),

counted as (
    select
        count(*) as frequency_count,
        max(frequency) as largest_frequency
    from weights
)

select
    weights.frequency,
    weights.weight,
    counted.frequency_count
from weights
cross join counted
where
    abs(weights.weight - 1) > 1e-6
    or counted.frequency_count <> counted.largest_frequency + 1
