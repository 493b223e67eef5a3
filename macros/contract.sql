{#- The input contract, read from the sources in models/staging/_sources.yml. -#}

{#- Columns of one input in contract order: [{name, kind, required, values, default,
    pii}]. -#}
{% macro contract_columns(input) %}
    {% set columns = [] %}
    {% if execute %}
        {% set node = graph.sources.values()
            | selectattr('source_name', 'equalto', 'raw')
            | selectattr('name', 'equalto', input) | first %}
        {% for name, column in node.columns.items() %}
            {% set meta = (
                column.config.meta
                if column.config is defined and column.config.meta
                else column.meta
            ) %}
            {% do columns.append({
                'name': name, 'kind': meta.kind, 'required': meta.required,
                'choices': meta.get('values', []), 'default': meta.get('default'),
                'pii': meta.get('pii'),
            }) %}
        {% endfor %}
    {% endif %}
    {{ return(columns) }}
{% endmacro %}


{#- What each input is called, in the order in which they are listed everywhere. -#}
{% macro input_names() %}
    {{ return([
        'orders', 'order_items', 'products', 'logins', 'surveys', 'customers', 'touches', 'events',
        'tickets', 'referrals', 'advocacy_acts', 'subscriptions',
    ]) }}
{% endmacro %}


{#- Makes the raw schema whole before any model reads it: tables and columns that your own loader
    did not make are added, empty. When no table of the contract exists at all, this is a first
    run, and the demo is landed so that it has something to show. Gives SQL, which dbt runs and
    commits as a hook. -#}
{% macro prepare_raw() %}
    {% if execute and flags.WHICH in ('build', 'run', 'test', 'seed', 'freshness') %}
        {% set inputs = graph.sources.values()
            | selectattr('source_name', 'equalto', 'raw') | list %}
        {% set ledgers = graph.sources.values()
            | selectattr('source_name', 'equalto', 'ledger') | list %}
        {% set statements = ['create schema if not exists ' ~ inputs[0].schema] %}
        {% set first_run = namespace(is_true=true) %}
        {% for node in inputs + ledgers %}
            {% set relation = adapter.get_relation(node.database, node.schema, node.identifier) %}
            {% if relation and node.source_name == 'raw' %}
                {% set first_run.is_true = false %}
            {% endif %}
            {% do statements.extend(complete_raw_table(node, relation)) %}
        {% endfor %}
        {# What is built without a refresh is nothing that a refresh can go on from. #}
        {% if flags.WHICH in ('build', 'run', 'seed') and not builds_changes() %}
            {% do statements.append('delete from raw.builds') %}
        {% endif %}
        {# The loader writes a salt; who loads by other means gets a random one, once. #}
        {% do statements.append(
            'insert into ' ~ inputs[0].schema ~ '.email_salt (salt) select ' ~ random_text()
            ~ ' where not exists (select 1 from ' ~ inputs[0].schema ~ '.email_salt)'
        ) %}
        {% if first_run.is_true %}
            {% do statements.extend(land_demo(inputs | map(attribute='name') | list)) %}
        {% endif %}
        {# Reading the catalogue opened a transaction, and dbt rolls back what a hook leaves
            open. #}
        {{ return((statements + ['commit']) | join(';\n')) }}
    {% endif %}
{% endmacro %}


{% macro complete_raw_table(node, relation) %}
    {% set wanted = {} %}
    {% for name, column in node.columns.items() %}
        {% do wanted.update({name: column.data_type or 'text'}) %}
    {% endfor %}
    {% if node.source_name == 'raw' %}
        {% do wanted.update({
            '_extra': 'text', '_file': 'text', '_line': 'bigint', '_loaded_at': 'timestamp',
        }) %}
    {% endif %}
    {% set statements = [] %}
    {% if relation is none %}
        {% set columns = [] %}
        {% for name, type in wanted.items() %}{% do columns.append(name ~ ' ' ~ type) %}{% endfor %}
        {% do statements.append(
            'create table ' ~ node.schema ~ '.' ~ node.identifier
            ~ ' (' ~ columns | join(', ') ~ ')'
        ) %}
    {% else %}
        {% set present = adapter.get_columns_in_relation(relation)
            | map(attribute='name') | map('lower') | list %}
        {% set missing = wanted.keys() | reject('in', present) | list %}
        {% if missing and relation.is_view %}
            {% do exceptions.raise_compiler_error(
                relation ~ ' is a view without the columns ' ~ missing | join(', ')
                ~ ': add them to the view as null, or make it a table.'
            ) %}
        {% endif %}
        {% for name, type in wanted.items() if name not in present %}
            {% do statements.append(
                'alter table ' ~ relation ~ ' add column ' ~ name ~ ' ' ~ type
            ) %}
        {% endfor %}
    {% endif %}
    {{ return(statements) }}
{% endmacro %}


{#- When an input last brought rows, for `dbt source freshness`, which by itself takes an input
    that never had a file for one that stopped long ago. Such an input is not late. -#}
{% macro last_loaded_at(relation) %}
    {{ return(adapter.dispatch('last_loaded_at', 'evergreen')(relation)) }}
{% endmacro %}

{% macro duckdb__last_loaded_at(relation) %}
    {{ return(
        "select coalesce(max(_loaded_at), current_timestamp at time zone 'UTC') from " ~ relation
    ) }}
{% endmacro %}


{#- SQL that lands seeds/demo. Each engine says how. -#}
{% macro land_demo(inputs) %}
    {{ return(adapter.dispatch('land_demo', 'evergreen')(inputs)) }}
{% endmacro %}

{% macro duckdb__land_demo(inputs) %}
    {% do log('Nothing was ever loaded: landing the small demo of seeds/demo. '
        ~ 'Bring your own data with `evergreen load --landing DIR`.', info=true) %}
    {% set statements = [] %}
    {% for input in inputs %}
        {% set file = 'demo/' ~ input ~ '.csv' %}
        {% do statements.append(
            "insert into raw." ~ input ~ " by name select *, '" ~ file ~ "' as _file, "
            ~ "row_number() over () + 1 as _line, current_localtimestamp() as _loaded_at "
            ~ "from read_csv('seeds/" ~ file ~ "', header = true, all_varchar = true, "
            ~ "quote = '\"', escape = '\"', delim = ',', parallel = false)"
        ) %}
        {% do statements.append(
            "insert into raw.files by name "
            ~ "select '" ~ input ~ "' as input, '" ~ file ~ "' as file, "
            ~ "count(*) as landed_count, 0 as malformed_count, 0 as withdrawn_count, "
            ~ "'loaded' as status, true as is_demo, max(_loaded_at) as loaded_at from raw." ~ input
        ) %}
    {% endfor %}
    {{ return(statements) }}
{% endmacro %}
