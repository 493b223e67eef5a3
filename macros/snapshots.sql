{#- Past days on which every score is computed again from what was known then. A cut-off's number
    counts steps of 30 days back from the as-of date. -#}

{#- Numbers of cut-offs by use. A backtest of a horizon takes six whose horizon is over; a model
    of churn fitted on one learns from the twelve before it whose 90 days were over by then. -#}
{% macro cutoff_calendar() %}
    {{ return({
        'step_days': 30,
        'last_number': 24,
        'backtests': {90: [3, 8], 365: [13, 18]},
        'training': [3, 14],
    }) }}
{% endmacro %}


{#- Rows that were known on a day: they had happened, and had not been undone. -#}
{% macro known_on(rows, day, date='activity_date') -%}
    {{ rows }}.{{ date }} <= {{ day }}
    and ({{ rows }}.voided_date is null or {{ rows }}.voided_date > {{ day }})
{%- endmacro %}
