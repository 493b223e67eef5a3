{#- 95 % intervals of proportions. Counts are SQL expressions; null where a total is 0. -#}

{#- Bound of the score interval of Wilson (1927) for one proportion. sign: '-' lower, '+' upper. -#}
{% macro wilson_bound(count, total, sign) %}
    {%- set z = 'cast(1.959963984540054 as double precision)' -%}
    {%- set x = 'cast(' ~ count ~ ' as double precision)' -%}
    {%- set n = 'nullif(cast(' ~ total ~ ' as double precision), 0)' -%}
    {#- Nobody and everybody: the bound is 0 and 1, which rounding can miss. #}
    case
        when {{ x }} = {{ '0' if sign == '-' else n }} and {{ n }} > 0
            then cast({{ 0 if sign == '-' else 1 }} as double precision)
        else (
            {{ x }} + {{ z }} * {{ z }} / 2
            {{ sign }} {{ z }}
            * sqrt({{ x }} * ({{ n }} - {{ x }}) / {{ n }} + {{ z }} * {{ z }} / 4)
        ) / ({{ n }} + {{ z }} * {{ z }})
    end
{%- endmacro %}

{% macro proportion(count, total) -%}
    cast({{ count }} as double precision) / nullif(cast({{ total }} as double precision), 0)
{%- endmacro %}


{#- Bound of the difference of two independent proportions, first less second: the hybrid score
    interval, method 10 of Newcombe, Statistics in Medicine 17 (1998), 873-890. -#}
{% macro newcombe_bound(count, total, other_count, other_total, sign) -%}
    {%- set other_sign = '-' if sign == '+' else '+' -%}
    {%- set p = '(' ~ proportion(count, total) ~ ')' -%}
    {%- set q = '(' ~ proportion(other_count, other_total) ~ ')' -%}
    {{ p }} - {{ q }} {{ sign }} sqrt(
        power({{ p }} - {{ wilson_bound(count, total, sign) }}, 2)
        + power({{ q }} - {{ wilson_bound(other_count, other_total, other_sign) }}, 2)
    )
{%- endmacro %}
