with {{ accepted_rows('orders') }},

-- An order marked refunded without an amount was refunded whole.
settled as (
    select
        accepted.*,
        case
            when coalesce(refund_amount, 0) = 0 and status = 'refunded' then amount
            else coalesce(refund_amount, 0)
        end as settled_refund_amount
    from accepted
)

select
    order_id,
    customer_id,
    status,
    kind,
    channel,
    reseller_id,
    upper(currency) as currency,
    rate_to_reporting,
    {{ to_reporting('amount') }} as amount,
    {{ to_reporting('settled_refund_amount') }} as refund_amount,
    {{ to_reporting('cost') }} as cost_amount,
    -- Whether it counts as a paid order until it is refunded in full.
    kind = 'standard' and status <> 'cancelled' and amount > 0 as is_payable,
    settled_refund_amount >= amount and amount > 0 as is_fully_refunded,
    -- A refund or a delivery landed with a time before the order, which was set aside.
    coalesce(notes like '%impossible_order_of_times%', false) as has_impossible_time,
    ordered_at,
    {{ not_before('refunded_at', 'ordered_at') }} as refunded_at,
    promised_at,
    delivered_at,
    invoiced_at
from settled
