with landed as (
    {{ landed_rows('tickets') }}
),

typed as (
    {{ typed_rows('tickets') }}
),

-- A day without a time of day is read as its first moment, which is no hour of opening.
timed as (
    select
        typed.*,
        length(landed_opened_at) > 10 as has_time_of_day
    from typed
),

{{ judged_rows(
    'tickets', 'timed', key=['ticket_id'], event_at='opened_at', keep=['has_time_of_day'],
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
