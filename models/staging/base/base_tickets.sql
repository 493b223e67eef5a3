with landed as (
    select * from {{ source('raw', 'tickets') }}
),

typed as (
    {{ typed_rows('tickets') }}
),

{{ judged_rows(
    'tickets', 'typed', key=['ticket_id'], event_at='opened_at',
    version_at=['opened_at', 'first_replied_at', 'resolved_at'],
    impossible_times=[('first_replied_at', 'opened_at'), ('resolved_at', 'opened_at')],
    checks=[
        ('score_out_of_scale', 'landed_satisfaction is not null and satisfaction is null',
            found('satisfaction', 'is no number')),
        ('score_out_of_scale', 'satisfaction < 1 or satisfaction > 5',
            found('satisfaction', 'lies outside 1 to 5')),
        ('bad_quantity', 'wait_seconds < 0', found('wait_seconds', 'is negative')),
    ],
) }}

select * from judged
