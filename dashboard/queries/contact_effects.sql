-- One row per purpose of contact, all customers; the effect is null without a fair comparison.
select
    purpose,
    conclusion,
    touch_count,
    response_rate,
    dwell_over_10s_rate,
    dwell_over_20s_rate,
    cost_amount,
    contact_count,
    control_count,
    case when is_sufficient then order_rate end as order_rate,
    case when is_sufficient then control_order_rate end as control_order_rate,
    case when conclusion in ('uplift_shown', 'loss_shown', 'no_uplift_shown') then uplift end
        as uplift,
    case when conclusion in ('uplift_shown', 'loss_shown', 'no_uplift_shown') then uplift_low end
        as uplift_low,
    case when conclusion in ('uplift_shown', 'loss_shown', 'no_uplift_shown') then uplift_high end
        as uplift_high
from marts.touch_effects
where segment = 'all'
order by touch_count desc, purpose asc
