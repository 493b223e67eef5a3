{#- Whose rhythm the build has to work out anew: touched customers, and those active on a day on
    which the rhythm of everybody, which stands in for a customer's own, is another than it was. -#}
with builds as (
    select * from {{ source('ledger', 'builds') }}
),

population as (
    select
        day,
        typical_gap_days
    from {{ ref('int_population_rhythm') }}
),

built as (
    select
        day,
        typical_gap_days
    from {{ source('ledger', 'built_population_rhythm') }}
),

changed_days as (
    select coalesce(population.day, built.day) as day
    from population
    full outer join built on population.day = built.day
    where
        exists (select 1 from builds)
        and population.typical_gap_days is distinct from built.typical_gap_days
)

select customer_id from {{ ref('int_touched_customers') }}
union
select active_days.customer_id
from {{ ref('int_active_days') }} as active_days
inner join changed_days on active_days.day = changed_days.day
