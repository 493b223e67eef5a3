-- What do customers who are both valuable and refer others have in common? The whole 95 % interval
-- of the lift lies above or below 1.
select
    attribute,
    attribute_value,
    ideal_count,
    rest_count,
    ideal_share,
    rest_share,
    lift,
    lift_low,
    lift_high,
    is_sufficient
from {{ ref('ideal_customer_profile') }}
where lift_low > 1 or lift_high < 1
order by lift desc, attribute asc, attribute_value asc
