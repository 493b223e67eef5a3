{#- What speaks for plays that cost more than a message, and for following up a sale. -#}
with pulse as (
    select * from {{ ref('int_customer_pulse') }}
),

limits as (
    {{ thresholds(['thank_after_days']) }}
),

-- Where nobody was ever followed up, follow-ups are not kept in this data.
follow_ups_kept as (
    select count(*) as follow_up_count from {{ ref('int_first_follow_ups') }}
),

valued as (
    select
        clv.customer_id,
        clv.value_tier,
        clv.gift_budget,
        clv.last_contact_date,
        tiers.has_value_review,
        pulse.state,
        {{ days_between('clv.last_contact_date', 'clv.as_of_date') }} as contact_days_ago
    from {{ ref('customer_lifetime_value') }} as clv
    inner join pulse on clv.customer_id = pulse.customer_id
    inner join {{ ref('value_tiers') }} as tiers on clv.value_decile = tiers.value_decile
)

select
    customer_id,
    'review_due' as sign,
    'Worth a talk about what they got out of it: tier ' || value_tier as reason
from valued
where has_value_review and state = 'active'
union all
select
    valued.customer_id,
    'thanks_due' as sign,
    'Tier ' || valued.value_tier || coalesce(
        ', last contact on ' || valued.last_contact_date, ', never contacted'
    ) as reason
from valued
cross join limits
where
    valued.gift_budget > 0
    and valued.state <> 'lost'
    and coalesce(valued.contact_days_ago > limits.thank_after_days, true)
union all
select
    customer_id,
    'gift_due' as sign,
    'Tier ' || value_tier || ': a gift for up to ' || gift_budget as reason
from valued
where gift_budget > 0 and state = 'active'
union all
select
    progress.customer_id,
    'sale_unfollowed' as sign,
    'Bought first on ' || progress.first_paid_date || '; nobody has asked since' as reason
from {{ ref('onboarding_progress') }} as progress
inner join pulse on progress.customer_id = pulse.customer_id
cross join follow_ups_kept
where
    not progress.is_followed_up
    and pulse.state = 'new'
    and follow_ups_kept.follow_up_count > 0
