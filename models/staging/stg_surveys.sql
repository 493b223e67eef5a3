with {{ accepted_rows('surveys') }}

select
    response_id,
    customer_id,
    survey,
    question,
    score,
    lowest_score,
    highest_score,
    {{ without_contacts('answer') }} as answer,
    competitor,
    score is not null or answer is not null or responded_at is not null as is_answered,
    sent_at,
    {{ not_before('responded_at', 'sent_at') }} as responded_at,
    -- When it was answered; the day it was sent where the answer carries no time.
    case
        when score is not null or answer is not null or responded_at is not null
            then coalesce({{ not_before('responded_at', 'sent_at') }}, sent_at)
    end as answered_at
from accepted
