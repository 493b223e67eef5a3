with recursive customers as (
    {{ known_accounts() }}
),

named as (
    {% for input, column, named_at in [
        ('customers', 'customer_id', 'created_at'), ('customers', 'merged_into', 'created_at'),
        ('orders', 'customer_id', 'ordered_at'), ('logins', 'customer_id', 'logged_in_at'),
        ('surveys', 'customer_id', 'coalesce(sent_at, answered_at)'),
        ('touches', 'customer_id', 'touched_at'), ('events', 'customer_id', 'occurred_at'),
        ('tickets', 'customer_id', 'opened_at'), ('referrals', 'referrer_id', 'referred_at'),
        ('referrals', 'referred_customer_id', 'referred_at'),
        ('advocacy_acts', 'customer_id', 'acted_at'),
        ('subscriptions', 'customer_id', 'started_at'),
    ] %}
    select
        {{ column }} as source_customer_id,
        min({{ named_at }}) as first_named_at
    from {{ ref('stg_' ~ input) }}
    where {{ column }} is not null
    group by {{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

distinct_ids as (
    select
        source_customer_id,
        min(first_named_at) as first_named_at
    from named
    group by source_customer_id
),

email_groups as (
    select
        email_hash,
        min(customer_id) as first_customer_id
    from customers
    where email_hash is not null and {{ 'true' if var('fold_equal_emails') else 'false' }}
    group by email_hash
    having count(*) between 2 and {{ var('max_ids_per_email') }}
),

links as (
    select
        customer_id as this_id,
        merged_into as that_id
    from customers
    where merged_into is not null
    union
    select
        customers.customer_id as this_id,
        email_groups.first_customer_id as that_id
    from customers
    inner join email_groups on customers.email_hash = email_groups.email_hash
    where customers.customer_id <> email_groups.first_customer_id
),

both_ways as (
    select this_id, that_id from links
    union
    select that_id as this_id, this_id as that_id from links
),

-- The smallest id of a group of linked ids spreads to all of them; a label that meets a smaller
-- id stops.
labels as (
    select distinct
        this_id as source_customer_id,
        this_id as label
    from both_ways
    union
    select
        both_ways.that_id as source_customer_id,
        labels.label
    from labels
    inner join both_ways on labels.source_customer_id = both_ways.this_id
    where labels.label < both_ways.that_id
),

linked_groups as (
    select
        source_customer_id,
        min(label) as group_label
    from labels
    group by source_customer_id
),

-- Of a group, the id that was not merged away stands for all; the oldest account where several
-- were not.
ranked as (
    select
        linked_groups.source_customer_id,
        linked_groups.group_label,
        row_number() over (
            partition by linked_groups.group_label
            order by
                case when customers.merged_into is null then 0 else 1 end,
                case when customers.created_at is null then 1 else 0 end,
                customers.created_at,
                linked_groups.source_customer_id
        ) as priority
    from linked_groups
    left join customers on linked_groups.source_customer_id = customers.customer_id
),

survivors as (
    select
        group_label,
        source_customer_id as customer_id
    from ranked
    where priority = 1
),

folded as (
    select
        distinct_ids.source_customer_id,
        distinct_ids.first_named_at,
        coalesce(survivors.customer_id, distinct_ids.source_customer_id) as customer_id,
        coalesce(customers.is_test, false) as is_test
    from distinct_ids
    left join linked_groups on distinct_ids.source_customer_id = linked_groups.source_customer_id
    left join survivors on linked_groups.group_label = survivors.group_label
    left join customers on distinct_ids.source_customer_id = customers.customer_id
)

select
    source_customer_id,
    customer_id,
    -- Null when nothing that names the id carries a time.
    first_named_at,
    -- One test account makes the whole person a test customer.
    max(case when is_test then 1 else 0 end) over (partition by customer_id) = 1 as is_test
from folded
