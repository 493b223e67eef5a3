-- One row per pair of axes; null where too few customers.
select
    axis || ' and ' || other_axis as pair,
    customer_count,
    case when is_sufficient then spearman end as spearman,
    case when is_sufficient then spearman_low end as spearman_low,
    case when is_sufficient then spearman_high end as spearman_high
from marts.advocacy_correlations
order by axis, other_axis
