-- Every customer with a score on a loyalty question has an index row, and an index only with five
-- answers. Own revenue and headroom are the wallet, stated shares are what was stated.
with loyalty as (
    select
        'loyalty_index' as mart,
        count(distinct case when index_rows.customer_id is null then scores.customer_id end)
            as problem_count
    from {{ ref('int_brand_scores') }} as scores
    left join {{ ref('loyalty_index') }} as index_rows
        on scores.customer_id = index_rows.customer_id and scores.month = index_rows.month
    where
        scores.survey = 'loyalty'
        and scores.topic in ('satisfied', 'repurchase', 'recommend', 'trust', 'timely', 'care')
),

indexes as (
    select
        'loyalty_index' as mart,
        count(*) as problem_count
    from {{ ref('loyalty_index') }}
    where
        (answered_count = 5) <> (loyalty_index is not null)
        or (competitor_count = 0 and best_competitor is not null)
        or competitor_index > best_competitor_index + 1e-9
),

wallets as (
    select
        'share_of_wallet' as mart,
        count(*) as problem_count
    from {{ ref('share_of_wallet') }}
    where
        (estimated_wallet is null) <> (wallet_share = 0 or own_revenue_365d = 0)
        or own_revenue_365d + headroom <> estimated_wallet
        or (brand_rank is null) <> (method = 'stated')
        or brand_rank > brand_count
        or brand_rank < 1
),

asked as (
    select count(distinct customer_id) as customer_count
    from {{ ref('int_survey_answers') }}
    where survey = 'share_of_wallet' and scaled_score is not null
),

counted as (
    select count(distinct customer_id) as customer_count
    from {{ ref('share_of_wallet') }}
    where method = 'stated'
),

stated as (
    select
        'share_of_wallet' as mart,
        abs(asked.customer_count - counted.customer_count) as problem_count
    from asked
    cross join counted
)

select * from loyalty where problem_count > 0
union all
select * from indexes where problem_count > 0
union all
select * from wallets where problem_count > 0
union all
select * from stated where problem_count > 0
