-- opening + what came - what went = closing, to the cent and in customers, and closing opens the
-- next month; nothing went missing between a segment's first month and the as-of date's.
with movements as (
    select
        stream,
        month,
        segment,
        segment_value,
        opening,
        opening + new + reactivated + expansion - contraction - churned as explained_closing,
        closing,
        opening_customer_count,
        opening_customer_count + new_customer_count + reactivated_customer_count
        - churned_customer_count as explained_closing_customer_count,
        closing_customer_count,
        is_complete or stream = 'subscriptions' as is_explained,
        as_of_date,
        lag(closing) over (
            partition by stream, segment, segment_value order by month
        ) as previous_closing,
        lag(closing_customer_count) over (
            partition by stream, segment, segment_value order by month
        ) as previous_closing_customer_count,
        lag(month) over (partition by stream, segment, segment_value order by month)
            as previous_month,
        lead(month) over (partition by stream, segment, segment_value order by month)
            as next_month
    from {{ ref('revenue_movements') }}
)

select
    stream,
    month,
    segment,
    segment_value,
    opening,
    explained_closing,
    closing,
    previous_closing,
    explained_closing_customer_count,
    closing_customer_count,
    previous_closing_customer_count
from movements
where
    -- A bridge with a null in it does not close either.
    (is_explained and (explained_closing is null or explained_closing <> closing))
    or (
        is_explained
        and (
            explained_closing_customer_count is null
            or explained_closing_customer_count <> closing_customer_count
        )
    )
    or (not is_explained and explained_closing is not null)
    or opening <> coalesce(previous_closing, 0)
    or opening_customer_count <> coalesce(previous_closing_customer_count, 0)
    or (previous_month is null and closing = 0)
    or {{ dbt.datediff('previous_month', 'month', 'month') }} <> 1
    or (next_month is null and {{ dbt.datediff('month', 'as_of_date', 'month') }} <> 0)
