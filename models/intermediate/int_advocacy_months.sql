{#- Lovers and likers at the end of each month, by what was known then. All others are lurkers, and
    have no row. -#}
with months as (
    select * from {{ ref('int_months') }}
),

limits as (
    {{ thresholds(['advocacy_window_days', 'promoter_score', 'satisfied_score']) }}
),

lovers as (
    select distinct
        months.month,
        deeds.customer_id
    from months
    cross join limits
    inner join {{ ref('int_advocacy_deeds') }} as deeds
        on
            deeds.deed_date <= months.last_known_date
            and deeds.known_from <= months.last_known_date
            and deeds.known_until > months.last_known_date
            and {{ days_between('deeds.deed_date', 'months.last_known_date') }}
            <= limits.advocacy_window_days
),

satisfied as (
    select distinct
        months.month,
        opinions.customer_id
    from months
    cross join limits
    inner join {{ ref('int_opinion_periods') }} as opinions
        on
            opinions.from_date <= months.last_known_date
            and opinions.until_date > months.last_known_date
    where
        (opinions.survey = 'nps' and opinions.scaled_score >= limits.promoter_score)
        or (opinions.survey = 'csat' and opinions.scaled_score >= limits.satisfied_score)
)

select
    month,
    customer_id,
    'lover' as advocacy_tier
from lovers
union all
select
    satisfied.month,
    satisfied.customer_id,
    'liker' as advocacy_tier
from satisfied
left join lovers
    on satisfied.month = lovers.month and satisfied.customer_id = lovers.customer_id
where lovers.customer_id is null
