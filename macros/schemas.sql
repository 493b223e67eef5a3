{#- Schemas are named as configured (marts, not main_marts): BI sees the same names everywhere. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
