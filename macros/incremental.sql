{#- Builds of what changed. `evergreen refresh` knows which rows its load added or took away, and
    what the last whole build was made of (raw.changed_rows, raw.builds). With that it builds only
    the rows of touched keys and customers anew. Everybody else, a plain `dbt build` included,
    builds everything: a table is never continued on what is not known. -#}

{#- dbt's own macro of this name, and the one place that decides. -#}
{% macro should_full_refresh() %}
    {% set configured = config.get('full_refresh') %}
    {% if configured is none %}
        {% set configured = flags.FULL_REFRESH %}
    {% endif %}
    {% if config.get('materialized') == 'incremental' and not builds_changes() %}
        {% set configured = true %}
    {% endif %}
    {{ return(configured) }}
{% endmacro %}

{% macro builds_changes() %}
    {{ return(env_var('EVERGREEN_BUILD', 'all') == 'changes') }}
{% endmacro %}

{#- Whether this model goes on from its table. Unit tests have none, and never build changes. -#}
{% macro is_continued() %}
    {{ return(builds_changes() and is_incremental()) }}
{% endmacro %}


{#- Keys of one input of which a landed row came or went since the last whole build. Rows without a
    key have the key ''. An item is judged by its order, so it goes with it. -#}
{% macro changed_keys(input) -%}
    select {{ row_key('row_key') }}
    from {{ source('ledger', 'changed_rows') }}
    where input in ({{ quoted(['order_items', 'orders'] if input == 'order_items' else [input]) }})
    {%- if input == 'order_items' %}
    union
    select orders.order_id
    from {{ ref('base_orders') }} as orders
    inner join {{ ref('stg_changed_days') }} as changed_days
        on orders.event_date >= changed_days.first_date
    where orders.order_id is not null
    {%- endif %}
{%- endmacro %}

{#- The id in a landed text, as typed_rows() reads it. -#}
{% macro row_key(column) -%}
    coalesce({{ typed_value({'kind': 'id'}, clean_text(column)) }}, '')
{%- endmacro %}

{#- The landed rows of an input that a base model has to judge. -#}
{% macro landed_rows(input) -%}
    select * from {{ source('raw', input) }}
    {{ depends_on_changes(input) }}
    {%- if is_continued() %}
    where {{ row_key(contract_columns(input)[0].name) }} in ({{ changed_keys(input) }})
    {%- endif %}
{%- endmacro %}

{#- A ref or source that stands only in an incremental build is no parent to dbt unless it is met
    when the project is parsed. -#}
{% macro depends_on_changes(input) -%}
    {%- if not execute -%}
        {%- do source('ledger', 'changed_rows') -%}
        {%- if input == 'order_items' -%}
            {%- do ref('base_orders') -%}
            {%- do ref('stg_changed_days') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- A condition on customers: the touched ones where only they are built anew. `by` lists them. -#}
{% macro is_touched(column='customer_id', by='int_touched_customers') -%}
    {%- if not execute -%} {%- do ref(by) -%} {%- endif -%}
    {%- if is_continued() -%}
    {{ column }} in (select touched.customer_id from {{ ref(by) }} as touched)
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}


{#- The same, and every customer's months that were not over. -#}
{% macro is_touched_or_open(column, month, by) -%}
    {%- if not execute -%} {%- do ref('stg_changed_days') -%} {%- endif -%}
    ({{ is_touched(column, by) }}
    {%- if is_continued() %} or {{ month }} >= {{ first_open_month() }} {%- endif -%})
{%- endmacro %}


{#- The strategy `touched`: what is stale goes, what was built anew comes, in one transaction. Stale
    are the rows of an input's changed keys (a base model), or of touched customers (config meta
    `touched_by`: the model that lists them) and of months that were not over (meta `open_since`:
    the column). Unlike delete+insert it also removes rows of which nothing is left. -#}
{% macro get_incremental_touched_sql(arguments) %}
    {% set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') %}
    {% set meta = config.get('meta') or {} %}
    {% set input = model.name | replace('base_', '') %}
    delete from {{ arguments.target_relation }}
    where
        {% if meta.touched_by -%}
        customer_id in (select touched.customer_id from {{ ref(meta.touched_by) }} as touched)
        {%- else -%}
        coalesce({{ contract_columns(input)[0].name }}, '') in ({{ changed_keys(input) }})
        {%- endif %}
        {%- if meta.open_since %}
        or {{ meta.open_since }} >= {{ first_open_month() }}
        {%- endif %};
    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }};
{% endmacro %}

{#- Month of the first day that was not over, or not known, at the last whole build. -#}
{% macro first_open_month() -%}
    (
        select {{ period_of('changed_days.first_date', 'month') }}
        from {{ ref('stg_changed_days') }} as changed_days
    )
{%- endmacro %}
