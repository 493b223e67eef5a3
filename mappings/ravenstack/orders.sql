-- RavenStack sells subscriptions only: no orders.
-- Empty on purpose: the input is required, and this says that there is nothing to map.
select
    null as order_id,
    null as customer_id,
    null as ordered_at,
    null as amount,
    null as _file,
    null as _line
where false
