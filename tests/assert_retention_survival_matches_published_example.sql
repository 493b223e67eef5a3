-- The macro kaplan_meier gives the textbook curve of the 6-MP group of Freireich et al., The effect
-- of 6-mercaptopurine on the duration of steroid-induced remissions in acute leukemia, Blood 21,
-- 1963 (weeks; 21 patients, 9 events, 12 censored), with 95 % bounds on the log(-log) scale.
{%- set relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23] -%}
{%- set censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35] -%}
{#- Week, patients at risk, survival and its bounds. -#}
{%- set published = [
    (0, 21, 1, 1, 1),
    (6, 21, 0.857, 0.620, 0.952),
    (7, 17, 0.807, 0.563, 0.923),
    (9, 16, 0.807, 0.563, 0.923),
    (10, 15, 0.753, 0.503, 0.889),
    (13, 12, 0.690, 0.432, 0.849),
    (16, 11, 0.627, 0.368, 0.805),
    (22, 7, 0.538, 0.268, 0.747),
    (23, 6, 0.448, 0.188, 0.680),
    (35, 1, 0.448, 0.188, 0.680),
] %}
with patients as (
    {%- for week in relapsed + censored %}
    select
        {{ week }} as duration_days,
        {{ 'true' if loop.index0 < relapsed | length else 'false' }} as is_event
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

published as (
    {%- for week, at_risk_count, survival, low, high in published %}
    select
        {{ week }} as week,
        {{ at_risk_count }} as at_risk_count,
        cast({{ survival }} as double precision) as survival_probability,
        cast({{ low }} as double precision) as survival_low,
        cast({{ high }} as double precision) as survival_high
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

estimated as (
    {{ kaplan_meier('patients') }}
),

bounded as (
    select
        estimated.*,
        {{ survival_low() }} as survival_low,
        {{ survival_high() }} as survival_high
    from estimated
)

select
    published.week,
    bounded.at_risk_count,
    bounded.survival_probability,
    bounded.survival_low,
    bounded.survival_high
from published
left join bounded on published.week = bounded.duration_days
where
    bounded.duration_days is null
    or bounded.at_risk_count <> published.at_risk_count
    {%- for estimate in ['survival_probability', 'survival_low', 'survival_high'] %}
    or bounded.{{ estimate }} is null
    or abs(bounded.{{ estimate }} - published.{{ estimate }}) > 0.0005001
    {%- endfor %}
