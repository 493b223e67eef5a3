-- One row: win-back contacts of all months that are old enough, beside those withheld.
select
    contacted_count,
    won_back_count,
    win_back_rate,
    control_count,
    control_win_back_rate,
    uplift,
    uplift_low,
    uplift_high,
    benchmark_low,
    benchmark_high,
    conclusion
from marts.win_back_results
where
    month is null
    and contacted_count > 0
