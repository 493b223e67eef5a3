select
    months.customer_id,
    months.month,
    months.stage,
    months.stage_rank,
    months.state,
    months.order_count,
    months.purchase_day_count,
    months.net_revenue,
    months.login_count,
    months.successful_login_count,
    months.touch_count,
    months.is_active,
    calendar.as_of_date
from {{ ref('int_customer_months') }} as months
cross join {{ ref('stg_calendar') }} as calendar
