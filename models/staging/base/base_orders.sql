with landed as (
    {{ landed_rows('orders') }}
),

typed as (
    {{ typed_rows('orders') }}
),

priced as (
    select
        typed.*,
        {{ rate_to_reporting('typed') }}
    from typed
    {{ join_exchange_rate('typed', 'ordered_at') }}
),

{{ judged_rows(
    'orders', 'priced', key=['order_id'], event_at='ordered_at', amount='amount',
    keep=['rate_to_reporting'],
    version_at=['ordered_at', 'refunded_at', 'delivered_at', 'invoiced_at'],
    impossible_times=[('refunded_at', 'ordered_at'), ('delivered_at', 'ordered_at')],
    checks=[
        ('negative_amount', 'amount < 0',
            found('amount', 'is negative (a refund belongs in refund_amount)')),
        ('negative_amount', 'refund_amount < 0', found('refund_amount', 'is negative')),
        ('negative_amount', 'cost < 0', found('cost', 'is negative')),
        ('refund_exceeds_amount', 'refund_amount > amount and amount >= 0',
            found('refund_amount', 'is more than the amount', 'landed_amount')),
        ('out_of_range', is_too_large_in_reporting('amount'),
            found('amount', 'has over 16 digits in the reporting currency')),
        ('unknown_currency', 'rate_to_reporting is null and ' ~ is_plausible_time('ordered_at'),
            found('currency', 'has no rate in the seed exchange_rates on', 'landed_ordered_at')),
    ],
) }}

select * from judged
