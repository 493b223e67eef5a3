{#- The channel to which a customer answers most often; what they stated where they never did. -#}
with answers as (
    select
        customer_id,
        channel,
        count(*) as answer_count,
        max(touched_at) as last_touched_at
    from {{ ref('int_touches') }}
    where direction = 'outbound' and not is_control and is_answered and channel is not null
    group by customer_id, channel
),

ranked as (
    select
        customer_id,
        channel,
        row_number() over (
            partition by customer_id
            order by answer_count desc, last_touched_at desc, channel asc
        ) as place
    from answers
)

select
    customers.customer_id,
    coalesce(ranked.channel, customers.preferred_channel) as channel,
    case
        when ranked.channel is not null then 'behaviour'
        when customers.preferred_channel is not null then 'stated'
    end as channel_source
from {{ ref('int_customers') }} as customers
left join ranked on customers.customer_id = ranked.customer_id and ranked.place = 1
