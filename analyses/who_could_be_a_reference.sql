-- Who could be a reference? Customers who are loyal or advocates, are not lost, did not refuse
-- consent and have no complaint that is or may be open. First those who may be asked now, with what
-- to ask for (next_ask). Of the others opinion_unknown means: ask how content they are first, and
-- all_done: they did everything already. A detractor or a passive is listed only after a deed.
select
    advocacy.customer_id,
    advocacy.quadrant,
    advocacy.next_ask,
    advocacy.next_ask_blocked_by,
    advocacy.nps_class,
    advocacy.advocacy_score,
    advocacy.loyalty_score,
    advocacy.value_percentile,
    advocacy.advocacy_act_count,
    customers.preferred_channel,
    customers.country,
    customers.has_consent
from {{ ref('customer_advocacy') }} as advocacy
inner join {{ ref('customers') }} as customers on advocacy.customer_id = customers.customer_id
where
    advocacy.quadrant <> 'neither'
    and not advocacy.has_open_complaint
    and coalesce(customers.has_consent, true)
    and customers.state <> 'lost'
    and coalesce(advocacy.next_ask_blocked_by, 'none') <> 'not_promoter'
order by
    case when advocacy.next_ask is not null then 0 else 1 end asc,
    case when advocacy.quadrant = 'loyal_advocate' then 0 else 1 end asc,
    advocacy.advocacy_score desc,
    advocacy.loyalty_score desc nulls last,
    advocacy.customer_id asc
