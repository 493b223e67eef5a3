{#- Bought within the horizon: not owned on its first day, owned on its last as known then. -#}
{%- set calendar = product_calendar() -%}
with periods as (
    select * from {{ ref('int_owned_periods') }}
),

numbers as (
    select cutoff_number
    from {{ ref('int_cutoffs') }}
    where cutoff_number between {{ calendar.window_steps }} and {{ calendar.last_window }}
),

owner_spans as (
    select distinct
        customer_id,
        oldest_cutoff_number,
        latest_cutoff_number
    from periods
),

arrivals as (
    select
        periods.customer_id,
        periods.product_id,
        numbers.cutoff_number
    from periods
    inner join numbers
        on
            numbers.cutoff_number > periods.oldest_cutoff_number
            and numbers.cutoff_number - {{ calendar.window_steps }}
            between periods.latest_cutoff_number and periods.oldest_cutoff_number
)

select
    arrivals.customer_id,
    arrivals.product_id,
    arrivals.cutoff_number
from arrivals
-- Owned before, given back within the horizon and bought again is not new.
left join periods as earlier
    on
        arrivals.customer_id = earlier.customer_id
        and arrivals.product_id = earlier.product_id
        and arrivals.cutoff_number
        between earlier.latest_cutoff_number and earlier.oldest_cutoff_number
where
    earlier.customer_id is null
    and exists (
        select 1
        from owner_spans
        where
            owner_spans.customer_id = arrivals.customer_id
            and arrivals.cutoff_number
            between owner_spans.latest_cutoff_number and owner_spans.oldest_cutoff_number
    )
