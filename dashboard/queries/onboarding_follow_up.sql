-- One row per kind of follow-up and state 90 days after the first payment.
with judged as (
    select
        coalesce(follow_up, 'none') as follow_up,
        first_90_day_state as state
    from marts.onboarding_progress
    where first_90_day_state is not null
),

totals as (
    select
        follow_up,
        count(*) as follow_up_customer_count
    from judged
    group by follow_up
)

select
    judged.follow_up,
    judged.state,
    count(*) as customer_count,
    count(*) * 1.0 / max(totals.follow_up_customer_count) as customer_share
from judged
inner join totals on judged.follow_up = totals.follow_up
group by judged.follow_up, judged.state
order by max(totals.follow_up_customer_count) desc, judged.follow_up, judged.state asc
