-- newcombe_bound gives the intervals of Newcombe 1998 (Statistics in Medicine 17:873-890, table II,
-- method 10), to its four decimals.
with published as (
    {% for won, total, control_won, control_total, low, high in [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ] -%}
    select
        {{ won }} as won,
        {{ total }} as total,
        {{ control_won }} as control_won,
        {{ control_total }} as control_total,
        cast({{ low }} as double precision) as low,
        cast({{ high }} as double precision) as high
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

computed as (
    select
        published.*,
        {{ newcombe_bound('won', 'total', 'control_won', 'control_total', '-') }} as computed_low,
        {{ newcombe_bound('won', 'total', 'control_won', 'control_total', '+') }} as computed_high
    from published
)

select * from computed
where
    computed_low is null
    or computed_high is null
    or abs(low - computed_low) > 0.00005001
    or abs(high - computed_high) > 0.00005001
