-- One row per action of the contact plan.
select
    action,
    count(*) as customer_count,
    sum(case when is_marketing then 1 else 0 end) as marketing_count,
    sum(case when channel is null then 1 else 0 end) as no_channel_count,
    sum(revenue_at_risk) as revenue_at_risk,
    sum(expected_effect) as expected_effect,
    min(not_before_date) as first_date
from marts.contact_plan
where action <> 'nothing'
group by action
order by min(precedence), action
