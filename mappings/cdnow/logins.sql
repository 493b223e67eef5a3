-- CDNOW knows no logins.
-- Empty on purpose: the input is required, and this says that there is nothing to map.
select
    null as login_id,
    null as customer_id,
    null as logged_in_at,
    null as _file,
    null as _line
where false
