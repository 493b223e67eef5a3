-- Each attribute divides the payers: its values add up to all ideal customers, to all others, and
-- together to everyone who has paid; no attribute is missing. An interval lies around its lift at
-- equal ratios, as wide as Katz has it.
with profile as (
    select
        attribute,
        sum(ideal_count) as ideal_count,
        sum(rest_count) as rest_count,
        min(ideal_customer_count) as ideal_customer_count,
        max(ideal_customer_count) as highest_ideal_customer_count,
        min(rest_customer_count) as rest_customer_count,
        max(rest_customer_count) as highest_rest_customer_count,
        sum(ideal_share) as ideal_share,
        sum(rest_share) as rest_share,
        count(case
            when
                ideal_count + rest_count = 0
                or (lift_low is null) <> (ideal_count = 0 or rest_count = 0)
                or (lift_high is null) <> (lift_low is null)
                or abs(
                    power(ln(lift_high / lift) / 1.959963984540054, 2)
                    - 1 / cast(nullif(ideal_count, 0) as double precision)
                    + 1 / cast(nullif(ideal_customer_count, 0) as double precision)
                    - 1 / cast(nullif(rest_count, 0) as double precision)
                    + 1 / cast(nullif(rest_customer_count, 0) as double precision)
                ) > 0.000000001
                or abs(lift_low / lift - lift / lift_high) > 0.000000001
                then 1
        end) as contradicting_count
    from {{ ref('ideal_customer_profile') }}
    group by attribute
),

payers as (
    select count(*) as payer_count
    from {{ ref('int_customer_totals') }}
    where first_paid_date is not null
)

select
    profile.attribute,
    'counts' as problem
from profile
cross join payers
where
    profile.ideal_count <> profile.ideal_customer_count
    or profile.rest_count <> profile.rest_customer_count
    or profile.ideal_customer_count <> profile.highest_ideal_customer_count
    or profile.rest_customer_count <> profile.highest_rest_customer_count
    or profile.ideal_count + profile.rest_count <> payers.payer_count
    or abs(profile.ideal_share - 1) > 0.000000001
    or abs(profile.rest_share - 1) > 0.000000001
    or profile.contradicting_count > 0
union all
select
    'all' as attribute,
    'attributes' as problem
from payers
where payers.payer_count > 0 and (select count(*) from profile) <> 7
