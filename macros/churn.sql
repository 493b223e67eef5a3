{#- Who will leave: a logistic regression on what was known on a cut-off date. The fit learns from
    the columns of int_churn_features and SQL scores with the same expressions, so that nothing is
    written twice. -#}

{#- Feature -> SQL over a row of int_customer_snapshots. Counts and days by their logarithm, because
    the tenth login tells less than the first; ratios are bounded, because a gap of half a day makes
    them huge. Unknown stays unknown: greatest() and least() would make a number of it. -#}
{% macro churn_features(snapshots) %}
    {% set features = {} %}
    {% for name in [
        'days_silent', 'overdue_ratio', 'usage_trend', 'tenure_days', 'purchase_day_count',
        'login_days_90d', 'feature_days_90d', 'failed_login_streak', 'complaint_count_180d',
        'unresolved_ticket_count', 'latest_score', 'product_count',
    ] %}
        {% set figure = 'cast(' ~ snapshots ~ '.' ~ name ~ ' as double precision)' %}
        {% if name == 'overdue_ratio' %}
            {% set sql = 'ln(1 + ' ~ at_most(figure, 100) ~ ')' %}
        {% elif name == 'usage_trend' %}
            {% set sql = at_most(figure, 2) %}
        {% elif name == 'latest_score' %}
            {% set sql = figure ~ ' / 100' %}
        {% else %}
            {% set sql = 'ln(1 + ' ~ figure ~ ')' %}
        {% endif %}
        {% do features.update({name: sql}) %}
    {% endfor %}
    {{ return(features) }}
{% endmacro %}

{% macro at_most(figure, limit) -%}
    case when {{ figure }} > {{ limit }} then {{ limit }} else {{ figure }} end
{%- endmacro %}


{#- What a feature adds to the log-odds of churn, over a row of int_churn_parameters. An unknown
    figure counts as the mean, and a feature that the fit left out adds nothing. -#}
{% macro churn_contribution(feature, transformed, parameters) -%}
    coalesce(
        {{ parameters }}.{{ feature }}_coefficient
        * ({{ transformed }} - {{ parameters }}.{{ feature }}_mean)
        / {{ parameters }}.{{ feature }}_scale,
        0
    )
{%- endmacro %}


{#- The figure of a feature as a reader wants it: the usage trend in percent, the overdue ratio with
    one decimal, all else whole. -#}
{% macro churn_figure(feature, snapshots) -%}
    {%- set figure = snapshots ~ '.' ~ feature -%}
    {%- if feature == 'usage_trend' -%}
    cast(cast(round(100 * {{ figure }}) as bigint) as {{ dbt.type_string() }})
    {%- elif feature == 'overdue_ratio' -%}
    cast(cast({{ figure }} as decimal(18, 1)) as {{ dbt.type_string() }})
    {%- elif feature == 'latest_score' -%}
    cast(cast(round({{ figure }}) as bigint) as {{ dbt.type_string() }})
    {%- else -%}
    cast({{ figure }} as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
