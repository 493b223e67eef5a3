with episodes as (
    select * from {{ ref('int_contact_episodes') }} where purpose = 'win_back'
)

select
    episodes.customer_id,
    episodes.is_control,
    lost.customer_id is not null as is_lost,
    episodes.is_bought as is_won_back,
    episodes.contact_date,
    episodes.window_end_date,
    episodes.contact_at
from episodes
-- Who comes back on the day of the contact was lost when they were contacted.
left join {{ ref('int_customer_states') }} as lost
    on episodes.customer_id = lost.customer_id
    and lost.state = 'lost'
    and episodes.contact_date >= lost.since_date
    and (lost.until_date is null or episodes.contact_date <= lost.until_date)
