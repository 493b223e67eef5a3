with recursive landed as (
    select * from {{ source('raw', 'customers') }}
),

typed as (
    {{ typed_rows('customers') }}
),

-- Only the newest version of a row says where it was merged.
newest as (
    select
        customer_id,
        max(created_at) as newest_created_at
    from typed
    group by customer_id
),

merges as (
    select distinct
        typed.customer_id,
        typed.merged_into
    from typed
    inner join newest on typed.customer_id = newest.customer_id
    where
        typed.merged_into is not null
        and (
            typed.created_at = newest.newest_created_at
            or newest.newest_created_at is null
        )
),

-- Every id that a merged id leads to; a cycle ends because a pair is kept once.
chains as (
    select
        customer_id,
        merged_into,
        merged_into as leads_to
    from merges
    union
    select
        chains.customer_id,
        chains.merged_into,
        merges.merged_into as leads_to
    from chains
    inner join merges on chains.leads_to = merges.customer_id
),

cycles as (
    select distinct
        customer_id,
        merged_into
    from chains
    where customer_id = leads_to
),

linked as (
    select
        typed.*,
        cycles.customer_id is not null as is_in_merge_cycle
    from typed
    left join cycles
        on typed.customer_id = cycles.customer_id and typed.merged_into = cycles.merged_into
),

{{ judged_rows(
    'customers', 'linked', key=['customer_id'], event_at='created_at', version_at=['created_at'],
    keep=['is_in_merge_cycle'],
    checks=[
        ('merge_cycle', 'is_in_merge_cycle',
            found('merged_into', 'leads back to this customer')),
    ],
) }}

select * from judged
