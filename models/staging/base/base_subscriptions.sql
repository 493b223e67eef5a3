with landed as (
    {{ landed_rows('subscriptions') }}
),

typed as (
    {{ typed_rows('subscriptions') }}
),

priced as (
    select
        typed.*,
        {{ rate_to_reporting('typed') }}
    from typed
    {{ join_exchange_rate('typed', 'started_at') }}
),

{{ judged_rows(
    'subscriptions', 'priced', key=['subscription_id'], event_at='started_at',
    amount='monthly_amount',
    keep=['rate_to_reporting'],
    version_at=['started_at', 'ended_at'],
    impossible_times=[('trial_ends_at', 'started_at')],
    checks=[
        ('negative_amount', 'monthly_amount < 0', found('monthly_amount', 'is negative')),
        ('ends_before_start', is_impossible_time('ended_at', 'started_at'),
            found('ended_at', 'lies before started_at', 'landed_started_at')),
        ('out_of_range', is_too_large_in_reporting('monthly_amount'),
            found('monthly_amount', 'has over 16 digits in the reporting currency')),
        ('unknown_currency', 'rate_to_reporting is null and ' ~ is_plausible_time('started_at'),
            found('currency', 'has no rate in the seed exchange_rates on', 'landed_started_at')),
    ],
) }}

select * from judged
