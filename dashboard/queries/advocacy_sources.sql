-- One row: all who refer, taken together.
select
    count(*) as referrer_count,
    sum(sent_count) as sent_count,
    sum(converted_count) as converted_count,
    sum(second_generation_count) as second_generation_count,
    sum(revenue) as referred_revenue,
    max(overall_viral_coefficient) as viral_coefficient,
    sum(self_referral_count) as self_referral_count,
    sum(cycle_count) as cycle_count
from marts.referral_sources
having count(*) > 0
