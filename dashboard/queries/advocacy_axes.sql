-- One row per band of the loyalty score and band of the advocacy score, of who has paid.
with banded as (
    select
        value_percentile,
        case
            when loyalty_score < 20 then '0 to 20'
            when loyalty_score < 40 then '20 to 40'
            when loyalty_score < 60 then '40 to 60'
            when loyalty_score < 80 then '60 to 80'
            else '80 to 100'
        end as loyalty_band,
        case
            when advocacy_score = 0 then 'no deed'
            when advocacy_score < 25 then 'under 25'
            when advocacy_score < 50 then '25 to 50'
            when advocacy_score < 75 then '50 to 75'
            else '75 to 100'
        end as advocacy_band
    from marts.customer_advocacy
    where loyalty_score is not null
)

select
    loyalty_band,
    advocacy_band,
    count(*) as customer_count,
    avg(value_percentile) as mean_value_percentile
from banded
group by loyalty_band, advocacy_band
order by loyalty_band, advocacy_band
