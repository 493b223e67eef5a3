{#- Whose history the build has to work out anew: customers of landed rows that came or went, of
    rows dated on days that the last whole build did not count yet, and of ids that changed hands. A
    few too many do no harm; one too few would be a wrong number. -#}
{%- set dated_inputs = [
    ('orders', 'order_id', ['customer_id'], ['ordered_at', 'refunded_at']),
    ('logins', 'login_id', ['customer_id'], ['logged_in_at']),
    ('surveys', 'response_id', ['customer_id'], ['sent_at', 'responded_at']),
    ('touches', 'touch_id', ['customer_id'], ['touched_at', 'responded_at']),
    ('events', 'event_id', ['customer_id'], ['occurred_at']),
    ('tickets', 'ticket_id', ['customer_id'], ['opened_at', 'first_replied_at', 'resolved_at']),
    ('referrals', 'referral_id', ['referrer_id', 'referred_customer_id'], ['referred_at']),
    ('advocacy_acts', 'act_id', ['customer_id'], ['acted_at']),
    ('subscriptions', 'subscription_id', ['customer_id'],
        ['started_at', 'trial_ends_at', 'ended_at']),
    ('customers', 'customer_id', ['customer_id', 'merged_into'], ['created_at']),
] -%}
with changed_days as (
    select * from {{ ref('stg_changed_days') }}
),

changed_rows as (
    select
        input,
        {{ row_key('row_key') }} as row_key,
        {{ row_key('customer_id') }} as customer_id
    from {{ source('ledger', 'changed_rows') }}
),

changed_ids as (
    -- Who stood in a row that is gone, or in one that came.
    select customer_id from changed_rows
    {% for input, key, customers, times in dated_inputs %}
    {% for customer in customers %}
    union
    select judged.{{ customer }} as customer_id
    from {{ ref('base_' ~ input) }} as judged
    inner join changed_rows
        on changed_rows.input = '{{ input }}'
        and coalesce(judged.{{ key }}, '') = changed_rows.row_key
    union
    select judged.{{ customer }} as customer_id
    from {{ ref('base_' ~ input) }} as judged
    cross join changed_days
    where
        {% for time in times -%}
        (
            judged.{{ time }} >= changed_days.first_at
            and {{ local_date('judged.' ~ time) }}
            between changed_days.first_date and changed_days.last_date
        ) {{- ' or' if not loop.last }}
        {% endfor %}
    {% endfor %}
    {% endfor %}
    union
    select orders.customer_id
    from {{ ref('base_orders') }} as orders
    inner join changed_rows
        on changed_rows.input = 'order_items' and orders.order_id = changed_rows.row_key
    union
    select months.customer_id
    from {{ ref('int_subscription_months') }} as months
    cross join changed_days
    where months.month_at >= changed_days.first_at
    union
    -- Months after an earlier day are gone already.
    select subscriptions.customer_id
    from {{ ref('stg_subscriptions') }} as subscriptions
    cross join changed_days
    where
        changed_days.is_going_back
        and (subscriptions.ended_at is null or subscriptions.ended_at >= changed_days.first_at)
),

ids as (
    select
        source_customer_id,
        customer_id,
        is_test
    from {{ ref('int_customer_ids') }}
    where exists (select 1 from changed_days)
),

built_ids as (
    select
        source_customer_id,
        customer_id,
        is_test
    from {{ source('ledger', 'built_customer_ids') }}
),

-- Every person that an id belonged to then or belongs to now.
persons as (
    select source_customer_id, customer_id, is_test from ids
    union
    select source_customer_id, customer_id, is_test from built_ids
),

changed_hands as (
    select source_customer_id
    from persons
    group by source_customer_id
    having count(*) > 1
),

-- An id that only one of the two builds knows is new, or gone.
come_or_gone as (
    select coalesce(ids.source_customer_id, built_ids.source_customer_id) as source_customer_id
    from ids
    full outer join built_ids on ids.source_customer_id = built_ids.source_customer_id
    where ids.source_customer_id is null or built_ids.source_customer_id is null
),

touched_ids as (
    select customer_id as source_customer_id from changed_ids
    union
    select source_customer_id from changed_hands
    union
    select source_customer_id from come_or_gone
),

touched_persons as (
    select distinct persons.customer_id
    from persons
    inner join touched_ids
        on persons.source_customer_id = touched_ids.source_customer_id
)

-- Under every id, so that a column of landed ids and one of customers can both be held against it.
select persons.source_customer_id as customer_id
from persons
inner join touched_persons on persons.customer_id = touched_persons.customer_id
union
select customer_id from touched_persons
