-- CDNOW knows no surveys.
-- Empty on purpose: the input is required, and this says that there is nothing to map.
select
    null as response_id,
    null as customer_id,
    null as survey,
    null as _file,
    null as _line
where false
