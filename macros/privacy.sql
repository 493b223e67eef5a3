{#- What keeps persons out of reach: hashes of addresses, and texts without them. -#}

{#- A text of 64 hexadecimal digits that does not tell what it was made of. -#}
{% macro sha256(text) %}
    {{ return(adapter.dispatch('sha256', 'evergreen')(text)) }}
{% endmacro %}

{% macro duckdb__sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro postgres__sha256(text) -%}
    encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
{%- endmacro %}

{% macro spark__sha256(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}


{#- A text that nobody can guess, made by the engine. -#}
{% macro random_text() %}
    {{ return(adapter.dispatch('random_text', 'evergreen')()) }}
{% endmacro %}

{% macro duckdb__random_text() -%}
    cast(gen_random_uuid() as varchar) || cast(gen_random_uuid() as varchar)
{%- endmacro %}

{% macro postgres__random_text() -%}
    cast(gen_random_uuid() as varchar) || cast(gen_random_uuid() as varchar)
{%- endmacro %}

{% macro spark__random_text() -%}
    uuid() || uuid()
{%- endmacro %}


{#- Stands for a value that is there and not published. -#}
{% macro not_shown() -%} [not shown] {%- endmacro %}


{#- A text without e-mail addresses. -#}
{% macro without_addresses(text) -%}
    {{ replace_all(text, '[^ ",;|<>()@]+@[^ ",;|<>()@]+', '[e-mail]') }}
{%- endmacro %}

{#- A text without e-mail addresses, telephone numbers and what looks like them: digits, and what
    stands between those of such numbers, nine or more of both. -#}
{% macro without_contacts(text) -%}
    {{ replace_all(without_addresses(text), '[+]?[0-9][0-9 ()./-]{7,}[0-9]', '[number]') }}
{%- endmacro %}

{% macro replace_all(text, pattern, replacement) %}
    {{ return(adapter.dispatch('replace_all', 'evergreen')(text, pattern, replacement)) }}
{% endmacro %}

{% macro duckdb__replace_all(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro postgres__replace_all(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__replace_all(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}


{#- Inputs with a column that holds more of a person than ids. -#}
{% macro personal_inputs() %}
    {% set names = [] %}
    {% for input in input_names() if contract_columns(input) | selectattr('pii') | list %}
        {% do names.append(input) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}
