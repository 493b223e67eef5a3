-- One row per quadrant of loyalty and advocacy, and third of value.
with placed as (
    select
        quadrant,
        loyalty_score,
        advocacy_score,
        case
            when value_percentile is null then 'never paid'
            when value_percentile < 1.0 / 3 then 'lowest third'
            when value_percentile < 2.0 / 3 then 'middle third'
            else 'highest third'
        end as value_third
    from marts.customer_advocacy
)

select
    quadrant,
    value_third,
    count(*) as customer_count
from placed
group by quadrant, value_third
order by
    case quadrant
        when 'loyal_advocate' then 1
        when 'loyal_silent' then 2
        when 'disloyal_advocate' then 3
        else 4
    end,
    value_third
