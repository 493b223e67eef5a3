-- RavenStack churn events -> surveys of kind exit: the reason, and the feedback as an answer of its
-- own where there is one.
-- Money: the refund of a churn event belongs to no order and is left out. Ids: churn_event_id, for
-- the feedback with a suffix; the customer is the account. Time zone: days only.
select
    churn_event_id as response_id,
    account_id as customer_id,
    'exit' as survey,
    'reason' as question,
    reason_code as answer,
    churn_date as responded_at,
    _file,
    _line
from landing.ravenstack_churn_events
union all
select
    churn_event_id || '-feedback' as response_id,
    account_id as customer_id,
    'exit' as survey,
    'feedback' as question,
    feedback_text as answer,
    churn_date as responded_at,
    _file,
    _line
from landing.ravenstack_churn_events
where feedback_text is not null
