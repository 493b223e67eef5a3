-- RavenStack support tickets -> tickets, with their satisfaction 1 to 5.
-- Money: none. Ids: the customer is the account. Time zone: days only.
-- Replies and resolutions are counted from the start of the day of submission, by the minutes and
-- hours that the source gives: its closed_at is a bare day, which would lie before the first reply.
select
    ticket_id,
    account_id as customer_id,
    submitted_at as opened_at,
    strftime(
        try_cast(submitted_at as timestamp)
        + to_minutes(try_cast(first_response_time_minutes as integer)),
        '%Y-%m-%dT%H:%M:%S'
    ) as first_replied_at,
    coalesce(
        strftime(
            try_cast(submitted_at as timestamp)
            + to_minutes((try_cast(resolution_time_hours as decimal(18, 4)) * 60)::bigint),
            '%Y-%m-%dT%H:%M:%S'
        ),
        closed_at
    ) as resolved_at,
    satisfaction_score as satisfaction,
    _file,
    _line
from landing.ravenstack_support_tickets
