{#- Which product a customer buys next. Past windows are counted on the days of int_cutoffs. -#}

{#- Days on which a next product is foretold (as of, and the backtests of the horizon), and how many
    windows of the horizon that were over by then say how often it happened. -#}
{% macro product_calendar() %}
    {%- set horizon = 90 -%}
    {%- set backtests = cutoff_calendar().backtests[horizon] -%}
    {%- set steps = horizon // cutoff_calendar().step_days -%}
    {{ return({
        'horizon_days': horizon,
        'window_steps': steps,
        'window_count': 4,
        'origins': [0] + range(backtests[0], backtests[1] + 1) | list,
        'last_window': backtests[1] + 4 * steps,
    }) }}
{% endmacro %}


{#- One row per day of foretelling and window that it learns from: the number of the window's first
    day. The last one ends on the day of foretelling. -#}
{% macro product_windows() %}
    {%- set calendar = product_calendar() -%}
    {%- for origin in calendar.origins %}
    {%- set outer = loop %}
    {%- for place in range(1, calendar.window_count + 1) %}
    select
        {{ origin }} as cutoff_number,
        {{ origin + place * calendar.window_steps }} as window_number
    {{ 'union all' if not (outer.last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
{% endmacro %}


{#- Probability of buying: the share of those who could, after some customers at the base rate are
    added, so that a pair of few stays near what everybody buys. -#}
{% macro shrunk_rate(successes, trials, base_rate, prior) -%}
    ({{ successes }} + {{ prior }} * {{ base_rate }}) / ({{ trials }} + {{ prior }})
{%- endmacro %}
