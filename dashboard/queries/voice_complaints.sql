-- One row per month in which a complaint was opened and what became of it.
with judged as (
    select
        cast(date_trunc('month', opened_at) as date) as month,
        case
            when is_resolved is null then 'unknown'
            when not is_resolved then 'open'
            when is_recovered is null then 'too early to say'
            when is_recovered then 'recovered'
            else 'not recovered'
        end as outcome
    from marts.complaints
)

select
    month,
    outcome,
    count(*) as complaint_count
from judged
group by month, outcome
order by month, outcome
