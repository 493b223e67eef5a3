{#- Kaplan and Meier 1958: probability that a lost customer has not come back by the end of a day,
    day 0 being the first lost one. Days on which an interval ends have a row. -#}
with ended as (
    select
        duration_days as day,
        count(case when is_return then 1 end) as event_count,
        count(case when not is_return then 1 end) as censored_count
    from {{ ref('int_lost_intervals') }}
    group by duration_days
),

at_risk as (
    select
        day,
        event_count,
        censored_count,
        sum(event_count + censored_count)
            over (order by day desc rows unbounded preceding) as at_risk_count
    from ended
)

select
    day,
    cast(at_risk_count as bigint) as at_risk_count,
    event_count,
    censored_count,
    case
        -- The last one at risk came back: zero, of which there is no logarithm.
        when min(at_risk_count - event_count) over so_far = 0 then cast(0 as double precision)
        else exp(
            sum(ln(
                cast(nullif(at_risk_count - event_count, 0) as double precision) / at_risk_count
            )) over so_far
        )
    end as survival_probability
from at_risk
window so_far as (order by day rows between unbounded preceding and current row)
