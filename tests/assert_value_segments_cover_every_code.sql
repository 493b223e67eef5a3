-- Each of the 125 combinations of RFM scores has one segment, each decile one tier.
with scores as (
    select distinct rfm_recency as score from {{ ref('rfm_segments') }}
),

codes as (
    select
        recency.score as rfm_recency,
        frequency.score as rfm_frequency,
        monetary.score as rfm_monetary
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
),

missing as (
    select
        'rfm_segments' as seed,
        count(*) as row_count
    from codes
    inner join {{ ref('rfm_segments') }} as segments
        on codes.rfm_recency = segments.rfm_recency
        and codes.rfm_frequency = segments.rfm_frequency
        and codes.rfm_monetary = segments.rfm_monetary
    where codes.rfm_recency between 1 and 5
    having count(*) <> 125
    union all
    select
        'value_tiers' as seed,
        count(*) as row_count
    from {{ ref('value_tiers') }}
    where value_decile between 1 and 10
    having count(*) <> 10
)

select
    seed,
    row_count
from missing
