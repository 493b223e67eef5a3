-- What did late orders do to repeat purchases and to scores? Late against on time, and the orders
-- of which nothing is known. Repeat rates are of the orders whose 90 days are over.
select
    case
        when is_late then 'late'
        when not is_late then 'on time'
        else 'not known yet, or called off'
    end as promise,
    count(*) as order_count,
    avg(days_late) as mean_days_late,
    count(is_repeat_90d) as mature_order_count,
    avg(case when is_repeat_90d then 1.0 when not is_repeat_90d then 0.0 end) as repeat_rate_90d,
    count(first_score_30d) as score_count,
    avg(first_score_30d) as mean_first_score_30d,
    avg(case when is_red_flag then 1.0 when not is_red_flag then 0.0 end) as red_flag_rate
from {{ ref('promises_kept') }}
group by is_late
order by promise
