-- One row per attribute of what is sold.
select
    attribute,
    quadrant,
    importance,
    performance,
    mean_importance,
    mean_performance,
    best_competitor,
    best_competitor_performance,
    gap_to_best,
    importance_source,
    answer_count,
    case when is_sufficient then quadrant else 'not enough answers' end as verdict
from marts.attribute_priorities
order by fix_rank, attribute
