{#- Join of the exchange rate of a row's day: at most one row of the seed, as a test on it holds. -#}
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
        else {{ round_half_even('cast(' ~ amount ~ ' * ' ~ rate ~ ' as decimal(38, 10))') }}
    end
{%- endmacro %}
