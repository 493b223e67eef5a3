-- One row per action of the contact plan and channel.
select
    action,
    coalesce(channel, 'none known') as channel,
    count(*) as customer_count
from marts.contact_plan
where action <> 'nothing'
group by action, channel
order by min(precedence), action, channel
