{#- From landed text to judged rows: the same mechanics for every input.

    typed_rows(input)    selects, for each contract column, its cleaned text as landed_<column> and
                         its typed value as <column>.
    judged_rows(input)   continues the CTEs of a model from a relation of typed rows to `judged`:
                         one row per landed row, with

      row_status   accepted, duplicate or quarantined
      reasons      comma-separated reason codes of a quarantined row
      details      what was found and what was expected, for a person
      notes        comma-separated codes of what was changed or is odd in a row that stays
      event_at     the time of the row, event_date its day
      accounted_amount  the row's money in row_accounting, in its own currency
      row_text     the landed columns as JSON, what is personal left out, for rows set aside -#}

{% macro typed_rows(input) %}
    select
        cleaned.*,
        {%- for column in contract_columns(input) %}
        {{ typed_value(column, 'landed_' ~ column.name) }} as {{ column.name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        -- Cleaned once: a value's text is looked at many times below.
        select
            _file as file,
            _line as file_line,
            _extra as landed_extra,
            {%- for column in contract_columns(input) %}
            {{ clean_text('cast(' ~ column.name ~ ' as ' ~ dbt.type_string() ~ ')') }}
                as landed_{{ column.name }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from landed
    ) as cleaned
{% endmacro %}


{% macro typed_value(column, landed) -%}
    {%- if column.kind == 'id' -%}
    case when lower({{ landed }}) not in ('null', 'none', 'nan') then {{ landed }} end
    {%- elif column.kind == 'time' -%} {{ parse_time(landed) }}
    {%- elif column.kind == 'money' -%} {{ parse_money(landed) }}
    {%- elif column.kind == 'number' -%} try_cast({{ parse_number(landed) }} as decimal(22, 6))
    {%- elif column.kind == 'boolean' -%} {{ parse_boolean(landed) }}
    {%- elif column.kind == 'choice' -%}
    case
        when lower({{ landed }}) in ({{ quoted(column.choices) }}) then lower({{ landed }})
        {%- if column.default %}
        when {{ landed }} is null then '{{ column.default }}'
        {%- endif %}
    end
    {%- else -%} {{ landed }}
    {%- endif -%}
{%- endmacro %}


{% macro quoted(words) -%}
    {%- for word in words %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}


{#- A sentence about a landed value: "amount 'abc' is no number". `other` is SQL for text at its
    end. -#}
{% macro found(column, message, other=none) %}
    {% set sentence = "'" ~ column ~ " ''' || landed_" ~ column ~ " || ''' " ~ message ~ "'" %}
    {{ return("concat_ws(' ', " ~ sentence ~ ", " ~ other ~ ")" if other else sentence) }}
{% endmacro %}

{% macro scale_text() -%}
    cast(cast(lowest_score as double precision) as {{ dbt.type_string() }}) || ' to '
    || cast(cast(highest_score as double precision) as {{ dbt.type_string() }})
{%- endmacro %}


{#- The checks that follow from the contract alone: (reason, condition, detail). -#}
{% macro contract_checks(input) %}
    {% set checks = [] %}
    {% for column in contract_columns(input) %}
        {% set name, landed = column.name, 'landed_' ~ column.name %}
        {% set unread = landed ~ ' is not null and ' ~ name ~ ' is null' %}
        {% if column.required and column.kind == 'id' %}
            {% do checks.append(('missing_id', name ~ ' is null', "'" ~ name ~ " is missing'")) %}
        {% elif column.required %}
            {% do checks.append(('missing_value', landed ~ ' is null',
                "'" ~ name ~ " is missing'")) %}
        {% endif %}
        {% if column.kind == 'time' %}
            {% do checks.append(('bad_time', unread,
                found(name, 'is no ISO 8601 time', epoch_hint(landed)))) %}
            {% do checks.append(('implausible_time',
                'not ' ~ is_plausible_time(name),
                found(name, 'lies outside 1970 to 2099'))) %}
        {% elif column.kind in ('money', 'number') and name not in ('score', 'satisfaction') %}
            {% do checks.append(('bad_number',
                landed ~ ' is not null and not ' ~ looks_like_number(landed),
                found(name, 'is no number', number_hint(landed)))) %}
            {% do checks.append(('out_of_range', unread ~ ' and ' ~ looks_like_number(landed),
                found(name, 'has over 16 digits before the point'))) %}
        {% elif column.kind in ('choice', 'boolean') %}
            {% do checks.append(('unknown_value', unread,
                found(name, 'is none of ' ~ (column.choices or ['true', 'false']) | join(', ')))) %}
        {% endif %}
    {% endfor %}
    {{ return(checks) }}
{% endmacro %}


{#- False for what no order, login or survey can date from; null without a time. -#}
{% macro is_plausible_time(column) -%}
    ({{ column }} >= timestamp '1970-01-01' and {{ column }} < timestamp '2100-01-01')
{%- endmacro %}


{% macro epoch_hint(landed) -%}
    case
        when length({{ landed }}) in (10, 13, 16, 19) and {{ looks_like_number(landed) }}
            then '(seconds, or parts of a second, since 1970? convert it in a mapping)'
    end
{%- endmacro %}

{% macro number_hint(landed) -%}
    case
        when {{ landed }} like '%,%'
            then '(decimal comma or thousands separator? write 1234.56)'
        when {{ landed }} like '%$%' or {{ landed }} like '%€%' or {{ landed }} like '%£%'
            then '(no currency sign: the column currency says it)'
    end
{%- endmacro %}


{#- later, earlier: names of time columns. A date without a time of day is its whole day, in the
    zone in which it was written. -#}
{% macro is_impossible_time(later, earlier) -%}
    (
        {{ later }} < {{ earlier }}
        and (
            length(landed_{{ later }}) > 10
            or {{ landed_date(later) }} < {{ landed_date(earlier) }}
        )
    )
{%- endmacro %}


{#- key: columns that identify a row. checks: [(reason, condition, detail)] beyond the contract's.
    impossible_times: [(later, earlier)]: a later time that lies before the earlier is nulled.
    version_at: columns whose greatest value says how new a version of a row is.
    event_at, amount: expressions over the typed columns. keep: further columns to pass on. -#}
{% macro judged_rows(
    input, from, key, event_at, checks=[], impossible_times=[], version_at=[],
    amount='cast(null as decimal(18, 2))', keep=[]
) %}
{%- set columns = contract_columns(input) -%}
{%- set names = columns | map(attribute='name') | list -%}
{%- set replaced = impossible_times | map('first') | list -%}
{%- set all_checks = contract_checks(input) + checks -%}
{%- set codes = all_checks | map('first') | unique | list -%}
{%- set key_words = key | join(' and ') -%}
flagged as (
    select
        file,
        file_line,
        landed_extra,
        {%- for column in columns %}
        landed_{{ column.name }},
        {%- if column.name not in replaced %}
        {{ column.name }},
        {%- endif %}
        {%- endfor %}
        {%- for later in replaced | unique %}
        case
            {%- for pair in impossible_times if pair[0] == later %}
            when {{ is_impossible_time(pair[0], pair[1]) }} then null
            {%- endfor %}
            else {{ later }}
        end as {{ later }},
        {%- endfor %}
        {%- for column in keep %}
        {{ column }},
        {%- endfor %}
        {{ concat_words(reason_cases(all_checks, codes)) }} as reasons,
        {{ concat_words(note_cases(columns, impossible_times, event_at)) }} as notes
    from {{ from }}
),

described as (
    select
        flagged.*,
        {{ event_at }} as event_at,
        {{ local_date(event_at) }} as event_date,
        cast({{ amount }} as decimal(18, 2)) as accounted_amount,
        case
            when reasons is not null then {{ concat_words(detail_cases(all_checks), '; ') }}
        end as details
    from flagged
),

repeated_keys as (
    select {{ key | join(', ') }}
    from described
    where reasons is null
    group by {{ key | join(', ') }}
    having count(*) > 1
),

repeated as (
    select
        described.*,
        {{ greatest_of(version_at) }} as version_at,
        {{ content_of(names | reject('in', key) | list) }} as content
    from described
    inner join repeated_keys
        on {% for column in key -%}
        described.{{ column }} = repeated_keys.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    where described.reasons is null
),

versions as (
    select
        repeated.*,
        max(version_at) over (partition by {{ key | join(', ') }}) as newest_at,
        min(content) over (partition by {{ key | join(', ') }})
            = max(content) over (partition by {{ key | join(', ') }}) as is_same_content,
        row_number() over (
            partition by {{ key | join(', ') }}, content order by file, file_line
        ) as copy_number
    from repeated
),

-- One content that is newer than every other is the row; two contents as new as each other
-- conflict.
resolved as (
    select
        versions.*,
        coalesce(version_at = newest_at, version_at is null and newest_at is null) as is_newest,
        min(case when coalesce(version_at = newest_at, newest_at is null) then content end)
            over (partition by {{ key | join(', ') }})
        = max(case when coalesce(version_at = newest_at, newest_at is null) then content end)
            over (partition by {{ key | join(', ') }}) as has_one_newest
    from versions
),

judged as (
    select
        {{ judged_columns(columns, keep) }},
        case when described.reasons is null then 'accepted' else 'quarantined' end as row_status,
        described.reasons,
        described.details,
        described.notes,
        case
            when described.reasons is not null then {{ landed_as_json(columns, 'described.') }}
        end as row_text
    from described
    left join repeated_keys
        on described.reasons is null
        {%- for column in key %}
        and described.{{ column }} = repeated_keys.{{ column }}
        {%- endfor %}
    where repeated_keys.{{ key[0] }} is null
    union all
    select
        {{ judged_columns(columns, keep) }},
        case
            when is_same_content or (has_one_newest and is_newest)
                then case when copy_number = 1 then 'accepted' else 'duplicate' end
            when has_one_newest then 'duplicate'
            else 'quarantined'
        end as row_status,
        case when not is_same_content and not has_one_newest then 'conflicting_id' end as reasons,
        case
            when not is_same_content and not has_one_newest
                then 'the same {{ key_words }} with other content, and no version plainly newer'
        end as details,
        case
            when not is_same_content and has_one_newest and not is_newest
                then {{ concat_words(['described.notes', "'superseded'"]) }}
            else described.notes
        end as notes,
        case
            when not is_same_content and not has_one_newest
                then {{ landed_as_json(columns, 'described.') }}
        end as row_text
    from resolved as described
)
{%- endmacro %}


{% macro judged_columns(columns, keep) %}
        described.file,
        described.file_line,
        {%- for column in columns %}
        described.{{ column.name }},
        {%- endfor %}
        {%- for column in keep %}
        described.{{ column }},
        {%- endfor %}
        described.event_at,
        described.event_date,
        described.accounted_amount
{%- endmacro %}


{#- The row as it landed, from cleaned columns (landed_<column>) or from the raw table. What a
    person could be known by but an id is left out, and so is the content of columns that the
    contract does not have: this text is published. -#}
{% macro landed_as_json(columns, prefix='') -%}
    {{ row_as_json(columns, prefix ~ 'landed_', prefix ~ 'landed_extra') }}
{%- endmacro %}

{% macro raw_as_json(input, prefix='') -%}
    {{ row_as_json(contract_columns(input), prefix, prefix ~ '_extra') }}
{%- endmacro %}

{% macro row_as_json(columns, prefix, extra) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- set text = prefix ~ column.name -%}
        {%- do texts.append(
            'case when ' ~ text ~ " is not null then '" ~ not_shown() ~ "' end"
            if column.pii else text
        ) -%}
    {%- endfor -%}
    {{ json_of(columns | map(attribute='name') | list, texts, extra) }}
{%- endmacro %}

{% macro json_of(names, texts, extra) %}
    {{ return(adapter.dispatch('json_of', 'evergreen')(names, texts, extra)) }}
{% endmacro %}

{% macro duckdb__json_of(names, texts, extra) -%}
    cast(json_merge_patch(
        json_object(
            {%- for name in names -%}
            '{{ name }}', {{ texts[loop.index0] }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        ),
        coalesce(
            to_json(map(
                json_keys({{ extra }}),
                list_transform(json_keys({{ extra }}), lambda name: '{{ not_shown() }}')
            )),
            '{}'
        )
    ) as varchar)
{%- endmacro %}


{#- One case for each code: reasons are named once, whichever columns they are about. -#}
{% macro reason_cases(checks, codes) %}
    {% set cases = [] %}
    {% for code in codes %}
        {% set conditions = [] %}
        {% for check in checks if check[0] == code %}
            {% do conditions.append('(' ~ check[1] ~ ')') %}
        {% endfor %}
        {% do cases.append('case when ' ~ conditions | join(' or ') ~ " then '" ~ code ~ "' end") %}
    {% endfor %}
    {{ return(cases) }}
{% endmacro %}

{% macro detail_cases(checks) %}
    {% set cases = [] %}
    {% for check in checks %}
        {% do cases.append('case when ' ~ check[1] ~ ' then ' ~ check[2] ~ ' end') %}
    {% endfor %}
    {{ return(cases) }}
{% endmacro %}

{% macro note_cases(columns, impossible_times, event_at) %}
    {% set money, ids, impossible, emails = [], [], [], [] %}
    {% for column in columns %}
        {% if column.kind == 'money' %}
            {% do money.append('(' ~ needs_rounding('landed_' ~ column.name) ~ ')') %}
        {% endif %}
        {% if column.kind == 'id' %}
            {% do ids.append(has_invisible_characters(column.name)) %}
        {% endif %}
        {% if column.name == 'email' %}
            {% do emails.append(has_non_ascii(column.name)) %}
        {% endif %}
    {% endfor %}
    {% for pair in impossible_times %}
        {% do impossible.append('(' ~ is_impossible_time(pair[0], pair[1]) ~ ')') %}
    {% endfor %}
    {% set cases = [] %}
    {% for code, conditions in [
        ('rounded_amount', money),
        ('impossible_order_of_times', impossible),
        ('invisible_characters', ids),
        ('unusual_email', emails),
        ('undated', ['(' ~ event_at ~ ') is null']),
    ] if conditions %}
        {% do cases.append('case when ' ~ conditions | join(' or ') ~ " then '" ~ code ~ "' end") %}
    {% endfor %}
    {{ return(cases) }}
{% endmacro %}


{#- Words joined by a separator, nulls left out; null when none is left. -#}
{% macro concat_words(words, separator=',') -%}
    nullif(concat_ws('{{ separator }}', {{ words | join(', ') }}), '')
{%- endmacro %}

{% macro greatest_of(columns) -%}
    {%- if columns | length > 1 -%} greatest({{ columns | join(', ') }})
    {%- elif columns -%} {{ columns[0] }}
    {%- else -%} cast(null as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- A fingerprint of typed values: 10.0 and 10.00 are the same content. Each has its length before
    it, so that no character within a text can pass for the end of it. -#}
{% macro content_of(columns) -%}
    md5(concat_ws(','
        {%- for column in columns -%}
        {%- set text = 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        , coalesce(cast(length({{ text }}) as {{ dbt.type_string() }}) || ':' || {{ text }}, '-')
        {%- endfor -%}
    ))
{%- endmacro %}
