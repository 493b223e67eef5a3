with landed as (
    select * from {{ source('raw', 'touches') }}
),

typed as (
    {{ typed_rows('touches') }}
),

{{ judged_rows(
    'touches', 'typed', key=['touch_id'], event_at='touched_at', amount='cost',
    version_at=['touched_at', 'responded_at'],
    impossible_times=[('responded_at', 'touched_at')],
    checks=[
        ('negative_amount', 'cost < 0', "'cost ' || landed_cost || ' is negative'"),
        ('bad_quantity', 'dwell_seconds < 0', "'dwell_seconds ' || landed_dwell_seconds || ' is negative'"),
    ],
) }}

select * from judged
