-- The archetypes of a purpose add up to all of its customers.
with effects as (
    select * from {{ ref('touch_effects') }}
),

totals as (
    select
        purpose,
        {%- for count in [
            'touch_count', 'answered_count', 'dwell_count', 'contact_count', 'bought_count',
            'control_count', 'control_bought_count', 'cost_amount',
        ] %}
        sum(case when segment = 'all' then {{ count }} else 0 end) as all_{{ count }},
        sum(case when segment = 'archetype' then {{ count }} else 0 end) as part_{{ count }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from effects
    group by purpose
)

select *
from totals
where
    {%- for count in [
        'touch_count', 'answered_count', 'dwell_count', 'contact_count', 'bought_count',
        'control_count', 'control_bought_count', 'cost_amount',
    ] %}
    coalesce(all_{{ count }}, 0) <> coalesce(part_{{ count }}, 0)
    {{ 'or' if not loop.last }}
    {%- endfor %}
