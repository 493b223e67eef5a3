{#- Windows and conditions that lifecycle models share. -#}

{#- One row with the named limits of the seed thresholds as columns; whole numbers where the name
    ends in _days or _count. -#}
{% macro thresholds(names) -%}
    select
        {%- for name in names %}
        cast(
            max(case when threshold = '{{ name }}' then value end)
            as {{ 'integer' if name.endswith(('_days', '_count')) else 'double precision' }}
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('thresholds') }}
{%- endmacro %}


{#- Activities that count within a period of knowledge (int_knowledge_periods). -#}
{% macro known_in_period(activities, periods) -%}
    {{ activities }}.customer_id = {{ periods }}.customer_id
    and {{ activities }}.activity_date < {{ periods }}.known_until
    and (
        {{ activities }}.voided_date is null
        or {{ activities }}.voided_date > {{ periods }}.known_from
    )
    and (
        {{ activities }}.voided_date is null
        or {{ activities }}.voided_date > {{ activities }}.activity_date
    )
{%- endmacro %}


{#- Median of a column over a window's rows so far; nulls do not count. -#}
{% macro running_median(column, window) %}
    {{ return(adapter.dispatch('running_median', 'evergreen')(column, window)) }}
{% endmacro %}

{% macro duckdb__running_median(column, window) -%}
    median({{ column }}) over {{ window }}
{%- endmacro %}


{#- Median of a column over the rows of a group; nulls do not count. -#}
{% macro median_of(column) %}
    {{ return(adapter.dispatch('median_of', 'evergreen')(column)) }}
{% endmacro %}

{% macro duckdb__median_of(column) -%}
    median({{ column }})
{%- endmacro %}


{#- The state on a day, from a row of int_customer_rhythm that is the latest on that day, joined
    with the limits of state_thresholds(). First match wins. `day` is a date expression. -#}
{% macro state_on(day) -%}
    case
        when first_paid_date is null then 'prospect'
        when {{ is_lost_on(day) }} then 'lost'
        when {{ days_between('last_return_date', day) }} <= reactivated_for_days then 'reactivated'
        when {{ days_between('first_paid_date', day) }} <= new_for_days then 'new'
        when
            {{ days_between('last_active_date', day) }} > dormant_after_days
            and {{ days_between('last_active_date', day) }} > dormant_gap_ratio * typical_gap_days
            then 'dormant'
        when
            {{ usage_trend_on(day) }} < declining_usage_trend
            and {{ days_between('fourth_last_login_date', day) }} < declining_window_days
            then 'declining'
        else 'active'
    end
{%- endmacro %}

{% macro state_thresholds() -%}
    {{ thresholds([
        'lost_after_days', 'new_for_days', 'reactivated_for_days', 'dormant_after_days',
        'dormant_gap_ratio', 'declining_usage_trend', 'declining_window_days',
    ]) }}
{%- endmacro %}

{#- Days on which a rule's limit is reached, counted from a row of int_customer_rhythm: between them
    and the next row a state stays as it is. -#}
{% macro state_limit_days() %}
    {{ return([
        dbt.dateadd('day', 'new_for_days + 1', 'first_paid_date'),
        dbt.dateadd('day', 'reactivated_for_days + 1', 'last_return_date'),
        dbt.dateadd('day', 'lost_after_days', 'last_active_date'),
        dbt.dateadd('day', 'dormant_after_days + 1', 'last_active_date'),
        dbt.dateadd(
            'day',
            'cast(floor(dormant_gap_ratio * typical_gap_days) as integer) + 1',
            'last_active_date',
        ),
        dbt.dateadd('day', 'declining_window_days', 'fourth_last_login_date'),
        dbt.dateadd(
            'day',
            'cast(floor(
                ln(usage_trend_at_login / declining_usage_trend) / ln(2) * 56 / 3.0
            ) as integer) + 1',
            'last_login_date',
        ),
    ]) }}
{% endmacro %}


{#- A running paid subscription keeps from lost. When the last one ended, the customer is lost
    until they log in, order or subscribe again; else after 180 silent days. -#}
{% macro is_lost_on(day) -%}
    running_subscription_count = 0
    and (
        {{ days_between('last_active_date', day) }} >= lost_after_days
        or (last_subscription_ended_at is not null and last_active_at <= last_subscription_ended_at)
    )
{%- endmacro %}


{#- Exponentially weighted login-day rate with a half-life of 14 days over that of 56 days. With
    steady logins it is 1; without any it falls by half in 18 and two thirds days. -#}
{% macro usage_trend_on(day) -%}
    usage_trend_at_login
    * power(cast(2 as double precision), -{{ days_between('last_login_date', day) }} * 3.0 / 56)
{%- endmacro %}
