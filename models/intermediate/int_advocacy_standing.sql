with customers as (
    select * from {{ ref('int_customers') }}
),

calendar as (
    select as_of_date from {{ ref('stg_calendar') }}
),

limits as (
    {{ thresholds([
        'advocacy_half_life_days', 'advocacy_scale', 'advocacy_window_days', 'detractor_score',
        'promoter_score', 'satisfied_score',
    ]) }}
),

known_deeds as (
    select
        deeds.*,
        cast({{ days_between('deeds.deed_date', 'calendar.as_of_date') }} as double precision)
            as days_ago
    from {{ ref('int_advocacy_deeds') }} as deeds
    cross join calendar
    where deeds.known_until = cast('9999-12-31' as date)
),

deeds as (
    select
        known_deeds.customer_id,
        count(case when known_deeds.deed <> 'converted_referral' then 1 end) as act_count,
        sum(
            cast(known_deeds.weight as double precision)
            * power(
                cast(0.5 as double precision),
                known_deeds.days_ago / limits.advocacy_half_life_days
            )
        ) as weight_left,
        max(known_deeds.deed_date) as last_deed_date
    from known_deeds
    cross join limits
    group by known_deeds.customer_id
),

opinions as (
    select
        customer_id,
        max(case when survey = 'nps' then scaled_score end) as nps_score,
        max(case when survey = 'csat' then scaled_score end) as csat_score
    from {{ ref('int_opinion_periods') }}
    where until_date = cast('9999-12-31' as date)
    group by customer_id
)

select
    customers.customer_id,
    case
        when
            {{ days_between('deeds.last_deed_date', 'calendar.as_of_date') }}
            <= limits.advocacy_window_days
            then 'lover'
        when
            opinions.nps_score >= limits.promoter_score
            or opinions.csat_score >= limits.satisfied_score
            then 'liker'
        else 'lurker'
    end as advocacy_tier,
    case
        when opinions.nps_score >= limits.promoter_score then 'promoter'
        when opinions.nps_score <= limits.detractor_score then 'detractor'
        when opinions.nps_score is not null then 'passive'
    end as nps_class,
    100 * ({{ one_minus_exp('(coalesce(deeds.weight_left, 0) / limits.advocacy_scale)') }})
        as advocacy_score,
    coalesce(deeds.weight_left, 0) as deed_weight,
    opinions.nps_score / 10 as latest_nps_score,
    coalesce(deeds.act_count, 0) as advocacy_act_count,
    deeds.last_deed_date
from customers
cross join calendar
cross join limits
left join deeds on customers.customer_id = deeds.customer_id
left join opinions on customers.customer_id = opinions.customer_id
