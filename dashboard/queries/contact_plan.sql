-- One row per consent of the customers with something to do.
select
    consent,
    count(*) as customer_count,
    sum(case when is_marketing then 1 else 0 end) as marketing_count,
    sum(case when channel is null then 1 else 0 end) as no_channel_count,
    sum(revenue_at_risk) as revenue_at_risk
from marts.contact_plan
where action <> 'nothing'
group by consent
order by customer_count desc, consent asc
