{#- Join of the exchange rate of a row's day: at most one row of the seed, as a test on it
    holds. -#}
{% macro join_exchange_rate(rows, at) -%}
    left join {{ ref('exchange_rates') }} as rates
        on rates.currency = upper({{ rows }}.currency)
        and rates.reporting_currency = '{{ var("reporting_currency") }}'
        and {{ local_date(rows ~ '.' ~ at) }} between rates.valid_from and rates.valid_to
{%- endmacro %}

{% macro rate_to_reporting(rows) -%}
    case
        when coalesce(upper({{ rows }}.currency), '{{ var("reporting_currency") }}')
            = '{{ var("reporting_currency") }}' then cast(1 as decimal(18, 8))
        else cast(rates.rate as decimal(18, 8))
    end as rate_to_reporting
{%- endmacro %}

{#- An amount in the reporting currency, to the cent, half to even. -#}
{% macro to_reporting(amount, rate='rate_to_reporting') -%}
    case
        when {{ rate }} = 1 then {{ amount }}
        else {{ round_half_even(
            'cast(cast(' ~ amount ~ ' as decimal(20, 2)) * ' ~ rate ~ ' as decimal(38, 10))'
        ) }}
    end
{%- endmacro %}


{#- Quantity times unit price, to the cent, half to even. Null where it has over 16 digits before
    the point: the check on that comes first, so that the product fits its type. -#}
{% macro line_amount(quantity, unit_price) -%}
    case
        when not {{ is_line_too_large(quantity, unit_price) }}
            then {{ round_half_even(
                'cast(' ~ quantity ~ ' * ' ~ unit_price ~ ' as decimal(38, 12))'
            ) }}
    end
{%- endmacro %}

{% macro is_line_too_large(quantity, unit_price) -%}
    (
        abs(cast({{ quantity }} as double precision) * cast({{ unit_price }} as double precision))
        >= 1e16
    )
{%- endmacro %}


{% macro is_too_large_in_reporting(amount) -%}
    (
        rate_to_reporting <> 1
        and cast({{ amount }} as double precision) * cast(rate_to_reporting as double precision)
        >= 1e16
    )
{%- endmacro %}
