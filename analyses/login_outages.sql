-- Since when are customers locked out, by which way to log in, and what is at stake? Many in one
-- week by one method are an outage, not forgotten passwords.
select
    cast(date_trunc('week', locked_out_since) as date) as week,
    coalesce(method, '(not given)') as method,
    count(*) as customer_count,
    count(case when state = 'lost' then 1 end) as lost_count,
    sum(revenue_at_risk) as revenue_at_risk,
    sum(monthly_recurring_revenue) as monthly_recurring_revenue
from {{ ref('login_problems') }}
group by cast(date_trunc('week', locked_out_since) as date), coalesce(method, '(not given)')
order by customer_count desc, week asc, method asc
