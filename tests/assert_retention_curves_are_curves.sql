-- A curve starts with everybody, loses at risk whoever was lost or censored, never rises and lies
-- within its bounds; the values of a segment hold every customer once.
with curves as (
    select
        curves.*,
        lag(day) over (partition by segment, segment_value order by day) as previous_day,
        lag(at_risk_count - event_count - censored_count)
            over (partition by segment, segment_value order by day) as expected_at_risk_count,
        lag(survival_probability)
            over (partition by segment, segment_value order by day) as previous_survival,
        lead(day) over (partition by segment, segment_value order by day) as next_day
    from {{ ref('survival_curves') }} as curves
),

sizes as (
    select
        segment,
        sum(at_risk_count) as customer_count
    from curves
    where day = 0
    group by segment
),

payers as (
    select count(*) as customer_count
    from {{ ref('int_customer_totals') }}
    where paid_day_count > 0
),

expected as (
    {% for segment in ['all', 'archetype', 'country', 'entry_source', 'first_payment'] -%}
    select
        '{{ segment }}' as segment,
        customer_count
    from payers
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    segment,
    segment_value,
    day,
    'curve' as problem
from curves
where
    (previous_day is null and day <> 0)
    or (previous_day is null and event_count = 0 and survival_probability <> 1)
    or (day > 0 and event_count + censored_count = 0)
    or at_risk_count < event_count + censored_count
    or at_risk_count <> expected_at_risk_count
    or (next_day is null and at_risk_count <> event_count + censored_count)
    or survival_probability > previous_survival
    or abs(
        survival_probability
        - coalesce(previous_survival, 1)
        * (1 - event_count / cast(at_risk_count as double precision))
    ) > 1e-9
union all
select
    segment,
    segment_value,
    day,
    'bounds' as problem
from curves
where
    (survival_low is null) <> (survival_probability = 0)
    or (survival_high is null) <> (survival_probability = 0)
    or survival_low > survival_probability
    or survival_high < survival_probability
    or (
        survival_probability > 0
        and survival_probability < 1
        and (survival_low >= survival_probability or survival_high <= survival_probability)
    )
union all
select
    expected.segment,
    null as segment_value,
    null as day,
    'customers of the segment' as problem
from expected
left join sizes on expected.segment = sizes.segment
where expected.customer_count <> coalesce(sizes.customer_count, 0)
