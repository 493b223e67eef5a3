{#- Scores held against what happened next (score_backtests). -#}

{#- Every score is foretold in three ways: by its model, and by two rules that cost nothing. -#}
{% macro backtest_methods() %}
    {{ return(['model', 'recency_rule', 'last_period_repeated']) }}
{% endmacro %}


{#- The horizon that a cut-off is a backtest of; null where it is of none. -#}
{% macro backtest_horizon_days(cutoff_number) -%}
    case
        {%- for horizon, numbers in cutoff_calendar().backtests.items() %}
        when {{ cutoff_number }} between {{ numbers[0] }} and {{ numbers[1] }} then {{ horizon }}
        {%- endfor %}
    end
{%- endmacro %}


{#- Silence in steps of 30 days; a year and longer is one step. -#}
{% macro silence_band(days) -%}
    cast(floor(least(cast({{ days }} as double precision), 360) / 30) as integer)
{%- endmacro %}


{#- Probabilities are of events, which happen or not; all other scores are amounts. -#}
{% macro is_event_score(score) -%}
    {{ score }} like '%probability%'
{%- endmacro %}


{#- Rank of each value in a named window ordered by it: halfway between the first place of the
    values equal to it (the rank) and the last (an ordered window reaches to the last of them). -#}
{% macro mid_rank(window) -%}
    cast(rank() over {{ window }} + count(*) over {{ window }} as double precision) / 2
{%- endmacro %}
