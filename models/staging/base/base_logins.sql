with landed as (
    {{ landed_rows('logins') }}
),

typed as (
    {{ typed_rows('logins') }}
),

{{ judged_rows(
    'logins', 'typed', key=['login_id'], event_at='logged_in_at', version_at=['logged_in_at'],
) }}

select * from judged
