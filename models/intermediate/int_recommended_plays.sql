with allowed as (
    select
        signs.customer_id,
        signs.sign,
        plays.play,
        row_number() over (
            partition by signs.customer_id order by plays.precedence, plays.play
        ) as place
    from {{ ref('int_ladder_signs') }} as signs
    inner join {{ ref('plays') }} as plays on signs.sign = plays.sign
    inner join {{ ref('int_customer_pulse') }} as pulse on signs.customer_id = pulse.customer_id
    -- Unknown consent does not stop a play, a refusal does.
    where not plays.needs_consent or coalesce(pulse.has_consent, true)
)

select
    customer_id,
    sign,
    play as recommended_play
from allowed
where place = 1
