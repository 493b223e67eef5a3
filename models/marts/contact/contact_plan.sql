with planned as (
    select * from {{ ref('int_planned_plays') }}
),

limits as (
    {{ thresholds(['contact_rest_days']) }}
),

last_contacts as (
    select
        customer_id,
        max(touched_date) as last_contact_date
    from {{ ref('int_touches') }}
    where direction = 'outbound' and not is_control
    group by customer_id
)

select
    planned.customer_id,
    coalesce(planned.play, 'nothing') as action,
    planned.reason,
    case
        when planned.play is not null then coalesce(planned.play_channel, channels.channel)
    end as channel,
    case
        when planned.play_channel is not null then 'play'
        when planned.play is not null then channels.channel_source
    end as channel_source,
    planned.consent,
    planned.play is not null and planned.is_marketing as is_marketing,
    effects.effect_basis,
    planned.precedence,
    case
        when planned.play is not null
            then row_number() over (
                order by
                    case when planned.play is null then 1 else 0 end asc,
                    planned.precedence asc,
                    planned.revenue_at_risk desc,
                    planned.customer_id asc
            )
    end as priority,
    planned.revenue_at_risk,
    case effects.effect_basis
        when 'control_group' then effects.effect_amount
        when 'backtest' then readiness.expected_value
    end as expected_effect,
    case
        when planned.play is null then null
        when planned.is_marketing and contacts.last_contact_date is not null
            then greatest(planned.as_of_date, cast({{ dbt.dateadd(
                'day', 'limits.contact_rest_days', 'contacts.last_contact_date'
            ) }} as date))
        else planned.as_of_date
    end as not_before_date,
    planned.as_of_date
from planned
cross join limits
left join {{ ref('int_preferred_channels') }} as channels
    on planned.customer_id = channels.customer_id
left join {{ ref('int_play_effects') }} as effects on planned.play = effects.play
left join {{ ref('cross_sell_readiness') }} as readiness
    on planned.customer_id = readiness.customer_id
left join last_contacts as contacts on planned.customer_id = contacts.customer_id
