with landed as (
    {{ landed_rows('touches') }}
),

typed as (
    {{ typed_rows('touches') }}
),

{{ judged_rows(
    'touches', 'typed', key=['touch_id'], event_at='touched_at', amount='cost',
    version_at=['touched_at', 'responded_at'],
    impossible_times=[('responded_at', 'touched_at')],
    checks=[
        ('negative_amount', 'cost < 0', found('cost', 'is negative')),
        ('bad_quantity', 'dwell_seconds < 0', found('dwell_seconds', 'is negative')),
    ],
) }}

select * from judged
