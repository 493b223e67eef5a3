-- Every customer has one row for each core feature and at most one that comes next, which is the
-- same on all their rows. Something is known of all their features or of none; adopters are
-- counted once each.
with features as (
    select count(*) as feature_count from {{ ref('int_core_features') }}
),

adopters as (
    select
        feature,
        count(case when state = 'adopted' then 1 end) as adopter_count
    from {{ ref('feature_adoption') }}
    group by feature
),

customers as (
    select
        adoption.customer_id,
        count(*) as row_count,
        count(distinct adoption.next_feature) as next_count,
        count(adoption.next_feature) as told_count,
        count(case when adoption.is_next then 1 end) as is_next_count,
        count(adoption.state) as known_count,
        count(case when adoption.state in ('unused', 'lapsed') then 1 end) as open_count,
        count(case when adoption.adopter_count <> adopters.adopter_count then 1 end)
            as miscounted
    from {{ ref('feature_adoption') }} as adoption
    inner join adopters on adoption.feature = adopters.feature
    group by adoption.customer_id
)

select customers.*
from customers
cross join features
where
    customers.row_count <> features.feature_count
    or customers.known_count not in (0, features.feature_count)
    or customers.next_count <> case when customers.open_count > 0 then 1 else 0 end
    or customers.told_count <> customers.next_count * features.feature_count
    or customers.is_next_count <> customers.next_count
    or customers.miscounted > 0
