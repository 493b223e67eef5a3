{#- What customers are worth, from fitted parameters. Times in weeks inside, days outside.
    `parameters` is a relation of one row (int_value_parameters): literals in their place would be
    decimals, and seven times slower. -#}

{#- ln(1 + z) for z >= 0. Engines have no log1p; the series is exact to 1e-12 below its limit. -#}
{% macro log_one_plus(z) -%}
    case
        when {{ z }} < 1e-4 then {{ z }} - {{ z }} * {{ z }} / 2 + {{ z }} * {{ z }} * {{ z }} / 3
        else ln(1 + {{ z }})
    end
{%- endmacro %}


{#- 1 - exp(-y) for y >= 0. PostgreSQL raises on underflow, hence the bound. -#}
{% macro one_minus_exp(y) -%}
    case
        when {{ y }} < 1e-4 then {{ y }} - {{ y }} * {{ y }} / 2 + {{ y }} * {{ y }} * {{ y }} / 6
        else 1 - exp(greatest(-700, -({{ y }})))
    end
{%- endmacro %}


{% macro in_weeks(days) -%}
    (cast({{ days }} as double precision) / 7)
{%- endmacro %}


{#- Probability that a customer has not dropped out (Fader, Hardie and Lee 2005; Batislam et al.
    2007). BG/NBD knows no dropout before the second purchase. -#}
{% macro p_alive(customers, parameters) -%}
    case
        when {{ customers }}.frequency = 0 and {{ parameters }}.dropout_shift = 0
            then cast(1 as double precision)
        else 1 / (1 + exp(least(700, greatest(-700,
            ln({{ parameters }}.a / (
                {{ parameters }}.b + {{ customers }}.frequency
                + {{ parameters }}.dropout_shift - 1
            ))
            + ({{ parameters }}.r + {{ customers }}.frequency) * ln(
                ({{ parameters }}.alpha + {{ in_weeks(customers ~ '.age_days') }})
                / ({{ parameters }}.alpha + {{ in_weeks(customers ~ '.recency_days') }})
            )
        ))))
    end
{%- endmacro %}


{#- Probability of an order within a horizon, given alive. The closed form
    1 - ((alpha + T) / (alpha + T + h))^(r + x). -#}
{% macro order_probability_alive(customers, parameters, horizon_days) -%}
    {%- set ratio -%}
    ({{ in_weeks(horizon_days) }} / (
        {{ parameters }}.alpha + {{ in_weeks(customers ~ '.age_days') }}
    ))
    {%- endset -%}
    {%- set exponent -%}
    (({{ parameters }}.r + {{ customers }}.frequency) * {{ log_one_plus(ratio) }})
    {%- endset -%}
    {{ one_minus_exp(exponent) }}
{%- endmacro %}


{#- Days until a share of customers like this one, given alive, would have ordered; null over ten
    years. A share of 1/2 is the median: (alpha + T)(2^(1/(r + x)) - 1) weeks. -#}
{% macro next_order_days(customers, parameters, one_in) -%}
    {%- set days -%}
    (7 * ({{ parameters }}.alpha + {{ in_weeks(customers ~ '.age_days') }}) * (
        exp(least(700, ln(cast({{ one_in }} as double precision)) / (
            {{ parameters }}.r + {{ customers }}.frequency
        ))) - 1
    ))
    {%- endset -%}
    case when {{ days }} <= 3650 then cast(ceil({{ days }}) as integer) end
{%- endmacro %}


{#- CTEs that end in order_forecasts: expected orders given alive, for each distinct frequency and
    age in the CTE pairs, over the CTE nodes with the CTE parameters (one row). Orders up to the end
    of each period are the integral over p of
        (1 - (1 + p u)^-(r + x)) / p * Beta(p; a, b + x),  u = t / (alpha + T),
    MBG/NBD with b + x + 1. The factor behind P(alive) depends on frequency and age only: 1 M
    customers have some 24,000 distinct pairs.

    `key` serves several rows of parameters at once: a column of pairs, nodes and parameters, by
    which they are joined and which order_forecasts keeps. horizon_days is a number, or, where
    nothing is discounted, a column of parameters. -#}
{% macro order_forecast_ctes(horizon_days=365, periods=12, annual_rate=0, key=none) -%}
{%- set columns = ([key] if key else []) + ['frequency', 'age_days'] -%}
scaled as (
    select
        {%- for column in columns %}
        pairs.{{ column }},
        {%- endfor %}
        case
            when pairs.frequency > parameters.largest_frequency then parameters.largest_frequency
            else pairs.frequency
        end as node_frequency,
        parameters.r + pairs.frequency as shape,
        {{ in_weeks(horizon_days) }} / {{ periods }}
        / (parameters.alpha + {{ in_weeks('pairs.age_days') }}) as period_ratio
    from pairs
    {%- if key %}
    inner join parameters on pairs.{{ key }} = parameters.{{ key }}
    {%- else %}
    cross join parameters
    {%- endif %}
),

stretched as (
    select
        {%- for column in columns %}
        scaled.{{ column }},
        {%- endfor %}
        scaled.shape,
        nodes.dropout_probability as p,
        nodes.weight / nodes.dropout_probability as weight_over_p,
        nodes.dropout_probability * scaled.period_ratio as z
    from scaled
    inner join nodes
        on scaled.node_frequency = nodes.frequency
        {%- if key %} and scaled.{{ key }} = nodes.{{ key }}{% endif %}
),

exponents as (
    select
        {{ columns | join(', ') }},
        shape,
        p,
        weight_over_p,
        z * {{ periods }} as z
        {%- for period in range(1, periods + 1) %},
        shape * ({{ log_one_plus('(z * ' ~ period ~ ')') }}) as exponent_{{ period }}
        {%- endfor %}
    from stretched
),

summed as (
    select
        {{ columns | join(', ') }}
        {%- for period in range(1, periods + 1) %},
        sum(weight_over_p * ({{ one_minus_exp('exponent_' ~ period) }})) as orders_{{ period }}
        {%- endfor %},
        -- E[Y(Y - 1)]: 2 (1 - p) / p^2 * (1 - (1 + z)^-s (1 + s z / (1 + z))), z = p u.
        sum(2 * weight_over_p * (1 - p) / p * (case
            when (shape + 1) * z < 1e-4 then shape * (shape + 1) * z * z / 2
            else 1 - exp(greatest(-700, -exponent_{{ periods }})) * (1 + shape * z / (1 + z))
        end)) as factorial_moment
    from exponents
    group by {{ columns | join(', ') }}
),

order_forecasts as (
    select
        {{ columns | join(', ') }},
        orders_{{ periods }} as orders_alive,
        -- Each period's orders are discounted from its middle.
        {% set last = namespace(factor=0) -%}
        {%- for period in range(periods, 0, -1) -%}
        {%- set factor = (1 + annual_rate) ** (
            -(2 * period - 1) * horizon_days / (2 * periods * 365)
        ) if annual_rate else 1 -%}
        {{ '+ ' if not loop.first }}cast({{ factor - last.factor }} as double precision)
        * orders_{{ period }}
        {% set last.factor = factor -%}
        {%- endfor -%}
        as discounted_orders_alive,
        factorial_moment as factorial_moment_alive
    from summed
)
{%- endmacro %}


{#- Expected value of a purchase day: (gamma + x m) p / (p x + q - 1) (Fader and Hardie 2013); the
    mean of all where no Gamma-Gamma is fitted. -#}
{% macro expected_order_value(customers, parameters) -%}
    case
        when {{ parameters }}.spend_model = 'gamma_gamma'
            then
                ({{ parameters }}.spend_gamma + {{ customers }}.frequency * coalesce(
                    {{ customers }}.mean_repeat_value, 0
                )) * {{ parameters }}.spend_p
                / ({{ parameters }}.spend_p * {{ customers }}.frequency
                    + {{ parameters }}.spend_q - 1)
        else {{ parameters }}.spend_mean
    end
{%- endmacro %}


{#- Quantile of the standard normal distribution (P. J. Acklam's rational approximation, relative
    error below 1.2e-9). Null outside (0, 1). -#}
{% macro normal_quantile(share) -%}
    {%- set tail -%}
    sqrt(-2 * ln(case when {{ share }} < 0.5 then {{ share }} else 1 - {{ share }} end))
    {%- endset -%}
    {%- set middle = '(' ~ share ~ ' - 0.5)' -%}
    {%- set square = '(' ~ middle ~ ' * ' ~ middle ~ ')' -%}
    case
        when {{ share }} <= 0 or {{ share }} >= 1 then null
        when {{ share }} between 0.02425 and 0.97575
            then {{ middle }} * {{ polynomial(square, [
                '-39.69683028665376', '220.9460984245205', '-275.9285104469687',
                '138.3577518672690', '-30.66479806614716', '2.506628277459239',
            ]) }} / {{ polynomial(square, [
                '-54.47609879822406', '161.5858368580409', '-155.6989798598866',
                '66.80131188771972', '-13.28068155288572', '1',
            ]) }}
        else (case when {{ share }} < 0.5 then 1 else -1 end) * {{ polynomial(tail, [
            '-0.007784894002430293', '-0.3223964580411365', '-2.400758277161838',
            '-2.549732539343734', '4.374664141464968', '2.938163982698783',
        ]) }} / {{ polynomial(tail, [
            '0.007784695709041462', '0.3224671290700398', '2.445134137142996',
            '3.754408661907416', '1',
        ]) }}
    end
{%- endmacro %}

{#- Horner's scheme, highest power first. -#}
{% macro polynomial(x, coefficients) -%}
    {{ '(' * (coefficients | length) }}
    {%- for coefficient in coefficients -%}
    {{ '' if loop.first else ' * ' ~ x ~ ' + ' }}cast({{ coefficient }} as double precision))
    {%- endfor -%}
{%- endmacro %}


{#- Why the gate is shut, with the figures. -#}
{% macro too_few(what, found, needed) -%}
    '{{ what }} than the ' || cast({{ needed }} as {{ dbt.type_string() }}) || ' needed: '
    || cast({{ found }} as {{ dbt.type_string() }})
{%- endmacro %}


{#- Which of `groups` equal parts a customer falls into, 1 the lowest, from the number of customers
    with strictly less: equal values share the group of the lowest of them. -#}
{% macro quantile_group(lower_count, customer_count, groups) -%}
    (cast(floor(
        cast({{ groups }} * {{ lower_count }} as double precision)
        / cast({{ customer_count }} as double precision)
    ) as integer) + 1)
{%- endmacro %}


{#- CTEs that end in value_forecasts: what each row of the CTE summary is expected to bring within
    the horizon, from the CTEs parameters and order_forecasts of the same horizon. The interval is
    the 10 % and 90 % point of what one customer brings: 0 with the probability of no order; given
    an order, lognormal with the mean and variance that the models imply. -#}
{% macro value_forecast_ctes(horizon_days=365) -%}
scored as (
    select
        summary.customer_id,
        {{ p_alive('summary', 'parameters') }} as p_alive,
        {{ order_probability_alive('summary', 'parameters', 90) }} as order_alive_90d,
        {{ order_probability_alive('summary', 'parameters', horizon_days) }} as order_alive,
        order_forecasts.orders_alive,
        order_forecasts.discounted_orders_alive,
        order_forecasts.factorial_moment_alive,
        {{ next_order_days('summary', 'parameters', 2) }} as median_days,
        {{ next_order_days('summary', 'parameters', 5) }} as late_days,
        {{ expected_order_value('summary', 'parameters') }} as order_value,
        -- Second moments over squared means: of one order around the customer's own mean, and of
        -- that mean. Gamma-Gamma has no variance below 2 degrees, so no less than 2.1 are taken.
        case when parameters.spend_model = 'gamma_gamma' then 1 + 1 / parameters.spend_p else 1 end
            as order_spread,
        case
            when parameters.spend_model = 'gamma_gamma'
                then 1 + 1 / greatest(
                    parameters.spend_p * summary.frequency + parameters.spend_q - 2,
                    cast(1 as double precision) / 10
                )
            else 1
        end as mean_spread,
        case when parameters.margin_rate > 0 then parameters.margin_rate else 0 end as margin_rate
    from summary
    cross join parameters
    inner join order_forecasts
        on summary.frequency = order_forecasts.frequency
        and summary.age_days = order_forecasts.age_days
),

valued as (
    select
        scored.*,
        p_alive * order_alive as order_probability,
        -- Bounded, so that an absurd forecast stays within decimal(18, 2).
        case
            when p_alive * discounted_orders_alive * order_value * margin_rate > 1e15
                then cast(1e15 as double precision)
            else p_alive * discounted_orders_alive * order_value * margin_rate
        end as predicted_value
    from scored
),

positive as (
    select
        valued.*,
        case
            when predicted_value > 0 and order_probability > 0
                then ln(predicted_value / order_probability)
        end as log_mean,
        ln(greatest(
            mean_spread
            * (orders_alive * order_spread + factorial_moment_alive)
            * order_alive / nullif(orders_alive * orders_alive, 0),
            cast(1 as double precision)
        )) as log_variance,
        1 - cast(0.9 as double precision) / nullif(order_probability, 0) as low_share,
        1 - cast(0.1 as double precision) / nullif(order_probability, 0) as high_share
    from valued
),

value_forecasts as (
    select
        positive.*,
        case
            when low_share > 0 and log_mean is not null
                then least(predicted_value, {{ lognormal_quantile('low_share') }})
            when predicted_value is not null then 0
        end as low_value,
        case
            when high_share > 0 and log_mean is not null
                then greatest(predicted_value, {{ lognormal_quantile('high_share') }})
            else predicted_value
        end as high_value
    from positive
)
{%- endmacro %}

{% macro lognormal_quantile(share) -%}
    exp(least(34, greatest(-700,
        log_mean - log_variance / 2 + sqrt(log_variance) * ({{ normal_quantile(share) }})
    )))
{%- endmacro %}
