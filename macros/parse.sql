{#- Landed text to typed values. Each gives null for what it cannot read; the caller tells blank
    from unreadable. Engines differ in every one of these, so there is no default. -#}

{% macro clean_text(column) %}
    {{ return(adapter.dispatch('clean_text', 'evergreen')(column)) }}
{% endmacro %}

{#- Most values have nothing to trim, which their first and last character tell cheaply. -#}
{% macro duckdb__clean_text(column) -%}
    case
        when
            ascii({{ column }}) between 33 and 126
            and ascii(right({{ column }}, 1)) between 33 and 126
            then {{ column }}
        else nullif(trim({{ column }}, {{ blank_characters() }}), '')
    end
{%- endmacro %}


{#- Space, tab, line ends, and the no-break and wide spaces of Unicode. -#}
{% macro blank_characters() -%}
    {%- for code in [32, 9, 10, 13, 160, 8239, 12288] + range(8192, 8203) | list -%}
    chr({{ code }}){{ ' || ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- ISO 8601 date or time to a UTC timestamp. An offset is honoured; without one the time is taken
    in the var source_timezone. A local time that a DST change skips moves forward by the change;
    one that it repeats is the later of the two. -#}
{% macro parse_time(column) %}
    {{ return(adapter.dispatch('parse_time', 'evergreen')(column)) }}
{% endmacro %}

{% macro duckdb__parse_time(column) -%}
    case
        -- By far the most frequent form, for which no pattern is needed: the cast checks the rest.
        when {{ column }} like '____-__-__T__:__:__Z' then try_cast({{ column }} as timestamp)
        when not regexp_full_match({{ column }}, '{{ iso_time_pattern() }}') then null
        when regexp_matches({{ column }}, '[T ][0-9:.]+ ?(Z|z|[+-][0-9:]+)$')
            then try_cast(replace({{ column }}, 'z', 'Z') as timestamptz) at time zone 'UTC'
        {% if var('source_timezone') == 'UTC' -%}
        else try_cast({{ column }} as timestamp)
        {%- else -%}
        else try_cast({{ column }} as timestamp)
            at time zone '{{ var("source_timezone") }}' at time zone 'UTC'
        {%- endif %}
    end
{%- endmacro %}

{% macro iso_time_pattern() -%}
    {{- "[0-9]{4,5}-[0-9]{2}-[0-9]{2}"
        ~ "([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
        ~ "( ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?))?)?" -}}
{%- endmacro %}


{#- Text to decimal(38, 18). Exponents are read; NaN, infinities, separators and signs of money
    are not. -#}
{% macro parse_number(column) %}
    {{ return(adapter.dispatch('parse_number', 'evergreen')(column)) }}
{% endmacro %}

{% macro duckdb__parse_number(column) -%}
    case when {{ looks_like_number(column) }} then try_cast({{ column }} as decimal(38, 18)) end
{%- endmacro %}

{% macro looks_like_number(column) %}
    {{ return(adapter.dispatch('looks_like_number', 'evergreen')(column)) }}
{% endmacro %}

{#- 1e400 looks like a number and is none that any column can hold: bad_number, not
    out_of_range. -#}
{% macro duckdb__looks_like_number(column) -%}
    (
        regexp_full_match({{ column }}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')
        and isfinite(try_cast({{ column }} as double))
    )
{%- endmacro %}


{#- Whether a number text has a third decimal that is not zero, so that cents must be rounded. -#}
{% macro needs_rounding(column) -%}
    (
        (strpos({{ column }}, '.') > 0 and length({{ column }}) - strpos({{ column }}, '.') > 2)
        or lower({{ column }}) like '%e%'
    )
    and {{ parse_number(column) }} <> cast({{ parse_number(column) }} as decimal(30, 2))
{%- endmacro %}


{#- Text to decimal(18, 2), half to even. Null when it has over 16 digits before the point. -#}
{% macro parse_money(column) %}
    {{ return(adapter.dispatch('parse_money', 'evergreen')(column)) }}
{% endmacro %}

{% macro duckdb__parse_money(column) -%}
    case
        when not {{ looks_like_number(column) }} then null
        when {{ needs_rounding(column) }} then {{ round_half_even(parse_number(column)) }}
        else try_cast({{ column }} as decimal(18, 2))
    end
{%- endmacro %}

{#- number: decimal with a scale of over 2. round() goes away from zero at a tie; where the cent
    below the tie is even, the tie stays there instead. -#}
{% macro round_half_even(number) %}
    {{ return(adapter.dispatch('round_half_even', 'evergreen')(number)) }}
{% endmacro %}

{% macro duckdb__round_half_even(number) -%}
    try_cast(
        case
            when abs({{ number }} - trunc({{ number }}, 2)) = 0.005
                and right(cast(trunc({{ number }}, 2) as varchar), 1) in ('0', '2', '4', '6', '8')
                then trunc({{ number }}, 2)
            else round({{ number }}, 2)
        end as decimal(18, 2)
    )
{%- endmacro %}


{% macro parse_boolean(column) -%}
    case
        when lower({{ column }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ column }}) in ('false', 'f', 'no', 'n', '0') then false
    end
{%- endmacro %}


{#- The day of a UTC timestamp in the var timezone. -#}
{% macro local_date(timestamp) %}
    {{ return(date_in_zone(timestamp, var('timezone'))) }}
{% endmacro %}

{#- The day of a UTC timestamp in the zone in which times without an offset were written. -#}
{% macro landed_date(timestamp) %}
    {{ return(date_in_zone(timestamp, var('source_timezone'))) }}
{% endmacro %}

{% macro date_in_zone(timestamp, zone) %}
    {{ return(adapter.dispatch('date_in_zone', 'evergreen')(timestamp, zone)) }}
{% endmacro %}

{% macro duckdb__date_in_zone(timestamp, zone) -%}
    {%- if zone == 'UTC' -%}
    cast({{ timestamp }} as date)
    {%- else -%}
    cast({{ timestamp }} at time zone 'UTC' at time zone '{{ zone }}' as date)
    {%- endif -%}
{%- endmacro %}


{#- The hour (0-23) of a UTC timestamp in the var timezone. -#}
{% macro local_hour(timestamp) %}
    {{ return(adapter.dispatch('local_hour', 'evergreen')(timestamp, var('timezone'))) }}
{% endmacro %}

{% macro duckdb__local_hour(timestamp, zone) -%}
    {%- if zone == 'UTC' -%}
    cast(extract('hour' from {{ timestamp }}) as bigint)
    {%- else -%}
    cast(
        extract('hour' from {{ timestamp }} at time zone 'UTC' at time zone '{{ zone }}') as bigint
    )
    {%- endif -%}
{%- endmacro %}


{#- True when an id holds a character that no one sees: zero-width, bidirectional marks, soft
    hyphen. -#}
{% macro has_invisible_characters(column) %}
    {{ return(adapter.dispatch('has_invisible_characters', 'evergreen')(column)) }}
{% endmacro %}

{#- Most ids are plain ASCII, where bytes and characters are as many: the pattern runs on the
    rest. -#}
{% macro duckdb__has_invisible_characters(column) -%}
    case
        when strlen({{ column }}) = length({{ column }}) then false
        else regexp_matches(
            {{ column }},
            '[\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]'
        )
    end
{%- endmacro %}


{#- True for text with a letter beyond plain ASCII, such as a Cyrillic a or a full-width one: in an
    e-mail address it may stand for a letter that looks the same. -#}
{% macro has_non_ascii(column) %}
    {{ return(adapter.dispatch('has_non_ascii', 'evergreen')(column)) }}
{% endmacro %}

{% macro duckdb__has_non_ascii(column) -%}
    strlen({{ column }}) <> length({{ column }})
{%- endmacro %}
