-- One row per attribute value that sets the best customers apart the most.
select
    attribute,
    attribute_value,
    concat(attribute, ': ', attribute_value) as trait,
    lift,
    lift_low,
    lift_high,
    ideal_share,
    rest_share,
    ideal_customer_count,
    rest_customer_count
from marts.ideal_customer_profile
where
    is_sufficient
    and attribute_value not in ('unknown', 'none')
    and lift_low > 0
order by lift_low desc, attribute asc, attribute_value asc
limit 12
