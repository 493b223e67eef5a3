-- Whatever divides the customers, its values add up to all of them, per stream and month.
{%- set measures = [
    'opening', 'new', 'expansion', 'reactivated', 'contraction', 'churned', 'closing',
    'opening_customer_count', 'new_customer_count', 'reactivated_customer_count',
    'churned_customer_count', 'closing_customer_count',
] %}
with movements as (
    select * from {{ ref('revenue_movements') }}
),

everyone as (
    select * from movements where segment = 'all'
),

segments as (
    select distinct segment from movements where segment <> 'all'
    {%- for segment in ['archetype', 'country', 'entry_source'] %}
    union
    select '{{ segment }}' as segment
    {%- endfor %}
),

sums as (
    select
        stream,
        month,
        segment,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from movements
    where segment <> 'all'
    group by stream, month, segment
)

select
    everyone.stream,
    everyone.month,
    segments.segment,
    everyone.closing,
    sums.closing as closing_of_segment
from everyone
cross join segments
left join sums
    on everyone.stream = sums.stream
    and everyone.month = sums.month
    and segments.segment = sums.segment
where
    sums.stream is null
    {%- for measure in measures %}
    or coalesce(everyone.{{ measure }}, -1) <> coalesce(sums.{{ measure }}, -1)
    {%- endfor %}
union all
select
    sums.stream,
    sums.month,
    sums.segment,
    null as closing,
    sums.closing as closing_of_segment
from sums
left join everyone on sums.stream = everyone.stream and sums.month = everyone.month
where everyone.stream is null
