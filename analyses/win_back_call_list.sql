-- Whom to call first to win them back, and what to talk about? The 50 at the top of the list, with
-- what was said and how they may be reached.
select
    candidates.priority,
    candidates.customer_id,
    candidates.reason,
    candidates.stated_reason,
    candidates.competitor,
    candidates.past_value,
    candidates.return_rate_90d,
    candidates.days_since_lost,
    candidates.win_back_contact_count,
    candidates.last_contact_date,
    customers.preferred_channel,
    customers.country
from {{ ref('win_back_candidates') }} as candidates
inner join {{ ref('customers') }} as customers on candidates.customer_id = customers.customer_id
where candidates.priority <= 50
order by candidates.priority
