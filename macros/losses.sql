{#- Why customers left, in their own words. -#}

{#- The reason that counts for each loss, as CTEs over the CTE `losses` (rows of int_lost_intervals
    with the columns of `key`, spell_start_date and until_date): `stated_reasons` with the columns
    of `key`, reason, reason_source, stated_reason, competitor, is_winnable. No row for who said
    nothing. -#}
{% macro stated_reason_ctes(key) -%}
    -- What was said in an earlier spell is not why they left in this one.
    statements as (
        select
            {%- for column in key if column != 'customer_id' %}
            losses.{{ column }},
            {%- endfor %}
            statements.*
        from {{ ref('int_exit_statements') }} as statements
        inner join losses
            on statements.customer_id = losses.customer_id
            and statements.stated_date >= losses.spell_start_date
            and (losses.until_date is null or statements.stated_date < losses.until_date)
    ),

    reasons as (
        select
            statements.*,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    case when source = 'exit_survey' then 0 else 1 end asc,
                    stated_at desc,
                    case when is_about_reason then 0 else 1 end asc,
                    source_id asc
            ) as choice
        from statements
        where
            stated_reason is not null
            -- A change of plan is no leaving, and the end of a trial is no reason.
            and (source = 'exit_survey' or reason not in ('plan_change', 'trial_ended'))
    ),

    competitors as (
        select
            statements.*,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    stated_at desc,
                    case when is_about_reason then 0 else 1 end asc,
                    source_id asc
            ) as choice
        from statements
        where competitor is not null
    ),

    stated_reasons as (
        select
            {%- for column in key %}
            losses.{{ column }},
            {%- endfor %}
            reasons.reason,
            reasons.source as reason_source,
            reasons.stated_reason,
            competitors.competitor,
            reasons.is_winnable
        from losses
        {%- for found in ['reasons', 'competitors'] %}
        left join {{ found }}
            on {% for column in key -%}
            losses.{{ column }} = {{ found }}.{{ column }}
            and {% endfor -%}
            {{ found }}.choice = 1
        {%- endfor %}
        where reasons.customer_id is not null or competitors.customer_id is not null
    )
{%- endmacro %}
