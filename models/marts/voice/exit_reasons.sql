with lost as (
    select
        customer_id,
        reason,
        coalesce(competitor, '(none named)') as competitor,
        past_value,
        is_winnable,
        lost_date
    from {{ ref('win_back_candidates') }}
),

returns as (
    select
        customer_id,
        reason,
        coalesce(competitor, '(none named)') as competitor,
        is_won_back
    from {{ ref('int_returns') }}
),

payments as (
    select
        lost.customer_id,
        sum(activities.amount) as net_revenue
    from lost
    inner join {{ ref('int_customer_activities') }} as activities
        on lost.customer_id = activities.customer_id
        and lost.lost_date > activities.activity_date
    where
        activities.activity in ('order_paid', 'order_refunded', 'subscription_month')
        and activities.voided_date is null
        and {{ days_between('activities.activity_date', 'lost.lost_date') }} <= 365
    group by lost.customer_id
),

leavers as (
    select
        lost.reason,
        lost.competitor,
        count(*) as customer_count,
        -- Whether they can be won back is not known of any who said nothing that is in a group.
        case
            when count(lost.is_winnable) > 0 then count(case when lost.is_winnable then 1 end)
        end as winnable_count,
        -- Refunds of older orders can outweigh a year's orders: nothing was lost then.
        sum(case
            when payments.customer_id is null then lost.past_value
            when payments.net_revenue > 0 then payments.net_revenue
            else 0
        end) as revenue_lost
    from lost
    left join payments on lost.customer_id = payments.customer_id
    group by lost.reason, lost.competitor
),

returners as (
    select
        reason,
        competitor,
        count(distinct customer_id) as returned_count,
        count(distinct case when is_won_back then customer_id end) as won_back_count
    from returns
    group by reason, competitor
),

joined as (
    select
        coalesce(leavers.reason, returners.reason) as reason,
        coalesce(leavers.competitor, returners.competitor) as competitor,
        coalesce(leavers.customer_count, 0) as customer_count,
        leavers.winnable_count,
        cast(coalesce(leavers.revenue_lost, 0) as decimal(18, 2)) as revenue_lost,
        coalesce(returners.returned_count, 0) as returned_count,
        coalesce(returners.won_back_count, 0) as won_back_count
    from leavers
    full outer join returners
        on leavers.reason = returners.reason
        and leavers.competitor = returners.competitor
)

select
    joined.reason,
    joined.competitor,
    joined.customer_count,
    {{ proportion('joined.customer_count', 'sum(joined.customer_count) over ()') }}
        as share_of_lost,
    joined.winnable_count,
    joined.revenue_lost,
    joined.returned_count,
    joined.won_back_count,
    calendar.as_of_date
from joined
cross join {{ ref('stg_calendar') }} as calendar
