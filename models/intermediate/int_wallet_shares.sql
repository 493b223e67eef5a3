{#- Our share of what a customer spends on brands like us: as they say; else by the rank that they
    give us among the brands. -#}
with answers as (
    select
        customer_id,
        {{ period_of('answered_date', 'month') }} as month,
        response_id,
        competitor,
        scaled_score,
        answered_at
    from {{ ref('int_survey_answers') }}
    where survey = 'share_of_wallet' and scaled_score is not null
),

scores as (
    select * from {{ ref('int_brand_scores') }}
    where measure = 'performance' and is_latest_of_month
),

-- The score is our share. A competitor beside it is who else is bought from; where a survey also
-- asks for each competitor's share, ours is the row without one.
placed as (
    select
        *,
        row_number() over (
            partition by customer_id, month
            order by
                case when competitor is null then 0 else 1 end,
                answered_at desc,
                response_id desc
        ) as place
    from answers
),

stated as (
    select
        customer_id,
        month,
        max(case when place = 1 then scaled_score end) / 100 as wallet_share,
        count(distinct competitor) as competitor_count
    from placed
    group by customer_id, month
),

-- Each competitor is compared with us on the questions that were answered about both. The cut to
-- nine decimals makes equal means equal, whatever the order of their sums.
rivals as (
    select
        ours.customer_id,
        ours.month,
        theirs.competitor,
        cast(avg(theirs.scaled_score - ours.scaled_score) as decimal(18, 9)) as lead_over_us
    from scores as ours
    inner join scores as theirs
        on ours.customer_id = theirs.customer_id
        and ours.month = theirs.month
        and ours.survey = theirs.survey
        and ours.topic = theirs.topic
    where ours.competitor is null and theirs.competitor is not null
    group by ours.customer_id, ours.month, theirs.competitor
),

-- Brands with equal scores share the mean of their ranks.
ranks as (
    select
        customer_id,
        month,
        1 + count(*) as brand_count,
        1
        + sum(cast(
            case when lead_over_us > 0 then 1 when lead_over_us = 0 then 0.5 else 0 end
            as double precision
        )) as brand_rank
    from rivals
    group by customer_id, month
)

select
    coalesce(stated.customer_id, ranks.customer_id) as customer_id,
    coalesce(stated.month, ranks.month) as month,
    case when stated.customer_id is not null then 'stated' else 'wallet_allocation_rule' end
        as method,
    -- Who states a share without naming anybody may know other brands: their number is unknown.
    case
        when stated.customer_id is null then ranks.brand_count
        when stated.competitor_count > 0 then 1 + stated.competitor_count
    end as brand_count,
    case when stated.customer_id is null then ranks.brand_rank end as brand_rank,
    -- (1 - rank / (brands + 1)) x 2 / brands, as one fraction.
    coalesce(
        stated.wallet_share,
        2 * (ranks.brand_count + 1 - ranks.brand_rank)
        / (ranks.brand_count * (ranks.brand_count + 1))
    ) as wallet_share
from stated
full outer join ranks
    on stated.customer_id = ranks.customer_id and stated.month = ranks.month
