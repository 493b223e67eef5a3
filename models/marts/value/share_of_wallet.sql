with shares as (
    select * from {{ ref('int_wallet_shares') }}
),

months as (
    select * from {{ ref('int_months') }}
),

activities as (
    select * from {{ ref('int_customer_activities') }}
    where
        voided_date is null
        and activity in ('order_paid', 'order_refunded', 'subscription_month')
),

-- The year that ends with the month, so that a share is held against the money of its time.
revenue as (
    select
        shares.customer_id,
        shares.month,
        sum(activities.amount) as net_revenue
    from shares
    inner join months on shares.month = months.month
    inner join activities
        on shares.customer_id = activities.customer_id
        and activities.activity_date <= months.last_known_date
        and {{ days_between('activities.activity_date', 'months.last_known_date') }} < 365
    group by shares.customer_id, shares.month
),

-- Refunds of older orders can outweigh a year's orders: nothing was spent on us then.
wallets as (
    select
        shares.*,
        coalesce(case when revenue.net_revenue > 0 then revenue.net_revenue end, 0)
            as own_revenue_365d,
        -- Of a share of nothing, or of nothing spent, the whole is unknown. Cut to six decimals
        -- first, so that half a cent is half a cent.
        case
            when shares.wallet_share > 0 and revenue.net_revenue > 0
                then cast(
                    cast(
                        cast(revenue.net_revenue as double precision) / shares.wallet_share
                        as decimal(24, 6)
                    ) as decimal(18, 2)
                )
        end as estimated_wallet
    from shares
    left join revenue
        on shares.customer_id = revenue.customer_id and shares.month = revenue.month
)

select
    wallets.customer_id,
    wallets.month,
    wallets.method,
    wallets.brand_count,
    wallets.brand_rank,
    wallets.wallet_share,
    cast(wallets.own_revenue_365d as decimal(18, 2)) as own_revenue_365d,
    wallets.estimated_wallet,
    cast(wallets.estimated_wallet - wallets.own_revenue_365d as decimal(18, 2)) as headroom,
    calendar.as_of_date
from wallets
cross join {{ ref('stg_calendar') }} as calendar
