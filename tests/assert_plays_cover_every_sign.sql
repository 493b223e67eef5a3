-- Each of the signs that customers can show has a play, and no play has any other sign.
with signs as (
    {% for sign in [
        'locked_out', 'open_complaint', 'onboarding_stalled', 'declining', 'unanswered', 'silent',
        'lost', 'review_due', 'lesson_due', 'ready', 'advocate', 'thanks_due', 'gift_due',
        'sale_unfollowed',
    ] -%}
    select '{{ sign }}' as sign
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    coalesce(signs.sign, plays.sign) as sign,
    case when plays.sign is null then 'missing' else 'unknown' end as problem
from signs
full outer join {{ ref('plays') }} as plays on signs.sign = plays.sign
where signs.sign is null or plays.sign is null
