-- Does asking lost customers back bring more of them than come anyway? All mature months together
-- first (month empty), beside the claim of the literature, then each month.
select
    month,
    contacted_count,
    won_back_count,
    control_count,
    control_won_back_count,
    win_back_rate,
    control_win_back_rate,
    uplift,
    uplift_low,
    uplift_high,
    benchmark_low,
    benchmark_high,
    conclusion
from {{ ref('win_back_results') }}
order by case when month is null then 0 else 1 end, month
