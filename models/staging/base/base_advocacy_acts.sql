with landed as (
    {{ landed_rows('advocacy_acts') }}
),

typed as (
    {{ typed_rows('advocacy_acts') }}
),

{{ judged_rows(
    'advocacy_acts', 'typed', key=['act_id'], event_at='acted_at', version_at=['acted_at'],
) }}

select * from judged
