-- Do trials lead to purchases, and do those who get something out of them buy more often? No proof
-- of an effect: early buyers had less time to see value. Mature months only; who had paid before is
-- counted beside, not in.
select
    trial_kind,
    sum(started_count) as started_count,
    sum(declined_count) as declined_count,
    sum(undecided_count) as undecided_count,
    sum(existing_customer_count) as existing_customer_count,
    sum(bought_in_window_count)
    / cast(nullif(sum(started_count), 0) as double precision) as conversion_rate,
    sum(bought_with_value_count)
    / cast(nullif(sum(value_seen_count), 0) as double precision) as conversion_rate_with_value,
    sum(bought_in_window_count - bought_with_value_count)
    / cast(nullif(sum(started_count - value_seen_count), 0) as double precision)
        as conversion_rate_without_value
from {{ ref('trial_conversion') }}
where is_mature
group by trial_kind
order by trial_kind
