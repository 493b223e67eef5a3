-- The nodes of each fit know every frequency up to its largest, and weigh 1 for each.
with weights as (
    select
        fit_id,
        frequency,
        sum(weight) as weight
    from {{ ref('stg_model_nodes') }}
    group by fit_id, frequency
),

counted as (
    select
        fit_id,
        count(*) as frequency_count,
        max(frequency) as largest_frequency
    from weights
    group by fit_id
)

select
    weights.fit_id,
    weights.frequency,
    weights.weight,
    counted.frequency_count
from weights
inner join counted on weights.fit_id = counted.fit_id
where
    abs(weights.weight - 1) > 1e-6
    or counted.frequency_count <> counted.largest_frequency + 1
