{#- Who had left and came back, with why they had left. Login problems of the past are not known
    any more: who said nothing then has no reason. -#}
with losses as (
    select * from {{ ref('int_lost_intervals') }} where is_return
),

{{ stated_reason_ctes(['customer_id', 'lost_date']) }},

won_back as (
    select distinct
        losses.customer_id,
        losses.lost_date
    from losses
    -- Who comes back on the day of the contact was lost when they were contacted.
    inner join {{ ref('int_win_back_episodes') }} as episodes
        on losses.customer_id = episodes.customer_id
        and losses.lost_date <= episodes.contact_date
        and losses.until_date >= episodes.contact_date
    where episodes.is_won_back and not episodes.is_control
)

select
    losses.customer_id,
    coalesce(stated_reasons.reason, 'not_stated') as reason,
    stated_reasons.competitor,
    won_back.customer_id is not null as is_won_back,
    losses.lost_date,
    losses.until_date as returned_date
from losses
left join stated_reasons
    on losses.customer_id = stated_reasons.customer_id
    and losses.lost_date = stated_reasons.lost_date
left join won_back
    on losses.customer_id = won_back.customer_id
    and losses.lost_date = won_back.lost_date
