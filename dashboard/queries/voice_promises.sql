-- One row per lateness of a delivery with a promised day.
with promised as (
    select
        first_score_30d,
        is_repeat_90d,
        is_invoiced_before_delivery,
        case
            when days_late < 0 then 1
            when days_late = 0 then 2
            when days_late <= 2 then 3
            when days_late <= 6 then 4
            else 5
        end as lateness_rank
    from marts.promises_kept
    where days_late is not null
)

select
    case lateness_rank
        when 1 then 'early'
        when 2 then 'on the day'
        when 3 then '1 to 2 days late'
        when 4 then '3 to 6 days late'
        else '7 days late or more'
    end as lateness,
    count(*) as order_count,
    sum(case when is_repeat_90d is not null then 1 else 0 end) as judged_count,
    sum(case when is_repeat_90d then 1 else 0 end) as repeat_count,
    count(first_score_30d) as answer_count,
    case when count(first_score_30d) >= 30 then avg(first_score_30d) end as mean_score,
    sum(case when is_invoiced_before_delivery then 1 else 0 end) as invoiced_early_count
from promised
group by lateness_rank
order by lateness_rank
