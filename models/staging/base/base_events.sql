with landed as (
    {{ landed_rows('events') }}
),

typed as (
    {{ typed_rows('events') }}
),

{{ judged_rows(
    'events', 'typed', key=['event_id'], event_at='occurred_at', version_at=['occurred_at'],
    checks=[('bad_quantity', 'quantity <= 0', found('quantity', 'is not above 0'))],
) }}

select * from judged
