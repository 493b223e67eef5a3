{%- set amounts = [
    'opening', 'new', 'expansion', 'reactivated', 'contraction', 'churned', 'closing',
] -%}
{%- set counts = ['opening', 'new', 'reactivated', 'churned', 'closing'] -%}
with movements as (
    select * from {{ ref('customer_movements') }}
),

customers as (
    select
        customer_id,
        coalesce(archetype, 'unknown') as archetype,
        coalesce(country, 'unknown') as country,
        coalesce(entry_source, 'unknown') as entry_source
    from {{ ref('int_customers') }}
),

-- Added up before they are spread over segments: few rows remain of the many customers.
profiles as (
    select
        movements.stream,
        movements.month,
        'all' as everyone,
        customers.archetype,
        customers.country,
        customers.entry_source,
        sum(movements.opening) as opening,
        {%- for movement in amounts[1:-1] %}
        sum(case
            when movements.movement = '{{ movement }}' then abs(movements.change_amount) else 0
        end) as {{ movement }},
        {%- endfor %}
        sum(movements.closing) as closing,
        count(case when movements.opening > 0 then 1 end) as opening_customer_count,
        {%- for movement in counts[1:-1] %}
        count(
            case when movements.movement = '{{ movement }}' then 1 end
        ) as {{ movement }}_customer_count,
        {%- endfor %}
        count(case when movements.closing > 0 then 1 end) as closing_customer_count
    from movements
    inner join customers on movements.customer_id = customers.customer_id
    group by
        movements.stream, movements.month, customers.archetype, customers.country,
        customers.entry_source
),

segments as (
    {% for segment, value in {
        'all': 'everyone', 'archetype': 'archetype', 'country': 'country',
        'entry_source': 'entry_source',
    }.items() %}
    select
        stream,
        month,
        '{{ segment }}' as segment,
        {{ value }} as segment_value,
        {%- for amount in amounts %}
        sum({{ amount }}) as {{ amount }},
        {%- endfor %}
        {%- for count in counts %}
        sum({{ count }}_customer_count) as {{ count }}_customer_count{{ ',' if not loop.last }}
        {%- endfor %}
    from profiles
    group by stream, month, {{ value }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

firsts as (
    select
        stream,
        segment,
        segment_value,
        min(month) as first_month
    from segments
    group by stream, segment, segment_value
),

-- Also the months without revenue before or in them.
cells as (
    select
        firsts.stream,
        months.month,
        firsts.segment,
        firsts.segment_value,
        {%- for amount in amounts %}
        coalesce(segments.{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        {%- for count in counts %}
        coalesce(segments.{{ count }}_customer_count, 0) as {{ count }}_customer_count,
        {%- endfor %}
        -- In a month that is not over, whoever has not ordered yet may still do so.
        firsts.stream = 'orders' and not months.is_complete as is_pending,
        -- Rates compare a whole month with what it opened with.
        case
            when months.is_complete
                then nullif(cast(segments.opening as double precision), 0)
        end as rate_base,
        case
            when months.is_complete
                then nullif(cast(segments.opening_customer_count as double precision), 0)
        end as customer_rate_base,
        months.is_complete
    from firsts
    inner join {{ ref('int_months') }} as months on firsts.first_month <= months.month
    left join segments
        on firsts.stream = segments.stream
        and firsts.segment = segments.segment
        and firsts.segment_value = segments.segment_value
        and months.month = segments.month
)

select
    cells.stream,
    cells.month,
    cells.segment,
    cells.segment_value,
    cast(cells.opening as decimal(18, 2)) as opening,
    cast(cells.new as decimal(18, 2)) as new,
    cast(cells.expansion as decimal(18, 2)) as expansion,
    cast(cells.reactivated as decimal(18, 2)) as reactivated,
    cast(case when not cells.is_pending then cells.contraction end as decimal(18, 2))
        as contraction,
    cast(case when not cells.is_pending then cells.churned end as decimal(18, 2)) as churned,
    cast(cells.closing as decimal(18, 2)) as closing,
    cast(cells.opening_customer_count as bigint) as opening_customer_count,
    cast(cells.new_customer_count as bigint) as new_customer_count,
    cast(cells.reactivated_customer_count as bigint) as reactivated_customer_count,
    cast(case when not cells.is_pending then cells.churned_customer_count end as bigint)
        as churned_customer_count,
    cast(cells.closing_customer_count as bigint) as closing_customer_count,
    cast(cells.opening - cells.contraction - cells.churned as double precision)
    / cells.rate_base as gross_retention_rate,
    cast(
        cells.opening - cells.contraction - cells.churned + cells.expansion as double precision
    ) / cells.rate_base as net_retention_rate,
    cells.churned_customer_count / cells.customer_rate_base as logo_churn_rate,
    cast(cells.contraction + cells.churned as double precision)
    / cells.rate_base as revenue_churn_rate,
    cells.is_complete,
    calendar.as_of_date
from cells
cross join {{ ref('stg_calendar') }} as calendar
