{#- What cross-selling is judged by. -#}

{#- Cut-offs for which readiness is worked out: the as-of date, and those of the backtests. -#}
{% macro is_readiness_cutoff(cutoff_number) -%}
    {%- set numbers = cutoff_calendar().backtests[90] -%}
    ({{ cutoff_number }} = 0 or {{ cutoff_number }} between {{ numbers[0] }} and {{ numbers[1] }})
{%- endmacro %}


{#- Sums over strata for a common odds ratio (Mantel and Haenszel, Journal of the National Cancer
    Institute 22, 1959), as columns of an aggregation. Cells: a with both, b in the first group
    only, c with the trait only, d with neither. A stratum without anybody adds nothing. -#}
{% macro mantel_haenszel_sums(a, b, c, d) -%}
    {%- set a, b, c, d = (
        'cast(' ~ a ~ ' as double precision)', 'cast(' ~ b ~ ' as double precision)',
        'cast(' ~ c ~ ' as double precision)', 'cast(' ~ d ~ ' as double precision)',
    ) -%}
    {%- set n = 'nullif(' ~ a ~ ' + ' ~ b ~ ' + ' ~ c ~ ' + ' ~ d ~ ', 0)' -%}
    {%- set r = a ~ ' * ' ~ d ~ ' / ' ~ n -%}
    {%- set s = b ~ ' * ' ~ c ~ ' / ' ~ n -%}
    {%- set p = '(' ~ a ~ ' + ' ~ d ~ ') / ' ~ n -%}
    {%- set q = '(' ~ b ~ ' + ' ~ c ~ ') / ' ~ n -%}
    sum({{ r }}) as mh_r,
    sum({{ s }}) as mh_s,
    sum({{ p }} * {{ r }}) as mh_pr,
    sum({{ p }} * {{ s }} + {{ q }} * {{ r }}) as mh_mixed,
    sum({{ q }} * {{ s }}) as mh_qs
{%- endmacro %}

{#- The common odds ratio; null where it would be infinite. -#}
{% macro mantel_haenszel_ratio() -%}
    mh_r / nullif(mh_s, 0)
{%- endmacro %}

{#- Bound of its 95 % interval: Robins, Breslow and Greenland, Biometrics 42, 1986. Null where the
    ratio is 0 or infinite. sign: '-' lower, '+' upper. -#}
{% macro mantel_haenszel_bound(sign) -%}
    case
        when mh_r > 0 and mh_s > 0 then mh_r / mh_s * exp(
            {{ sign }} cast(1.959963984540054 as double precision) * sqrt(
                mh_pr / (2 * mh_r * mh_r)
                + mh_mixed / (2 * mh_r * mh_s)
                + mh_qs / (2 * mh_s * mh_s)
            )
        )
    end
{%- endmacro %}
