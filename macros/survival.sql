{#- Time to an event where some have not had it yet: Kaplan and Meier, Nonparametric estimation from
    incomplete observations, JASA 53, 1958. -#}

{#- The product-limit estimate as one select. `durations` names a relation or CTE with one row per
    unit: the columns of `groups`, duration_days (0 or more) and is_event (false: censored, still
    without the event when last seen). One row per group and duration, and one for day 0 always:

        <groups>, duration_days, at_risk_count, event_count, censored_count, survival_probability,
        greenwood_sum

    Who is censored on a day is at risk on it: events come first. survival_probability is that of
    lasting longer than duration_days; between two rows it is that of the earlier. greenwood_sum is
    the sum of d / (n (n - d)) in Greenwood's variance, null once survival is 0. -#}
{% macro kaplan_meier(durations, groups=[]) -%}
    {%- set columns = groups + ['duration_days'] -%}
    {%- set partition = 'partition by ' ~ groups | join(', ') if groups else '' -%}
    with observed as (
        select
            {{ columns | join(', ') }},
            case when is_event then 1 else 0 end as event_count,
            case when is_event then 0 else 1 end as censored_count
        from {{ durations }}
        union all
        select distinct
            {{ (groups + ['0 as duration_days']) | join(', ') }},
            0 as event_count,
            0 as censored_count
        from {{ durations }}
    ),

    daily as (
        select
            {{ columns | join(', ') }},
            cast(sum(event_count) as bigint) as event_count,
            cast(sum(censored_count) as bigint) as censored_count
        from observed
        group by {{ columns | join(', ') }}
    ),

    at_risk as (
        select
            daily.*,
            cast(sum(event_count + censored_count) over (
                {{ partition }} order by duration_days desc rows unbounded preceding
            ) as bigint) as at_risk_count
        from daily
    ),

    -- A product of shares that lasted is the exponential of the sum of their logarithms. Nobody is
    -- left after a day on which all at risk have the event, so that its 0 is the last factor.
    factors as (
        select
            at_risk.*,
            event_count < at_risk_count as is_anybody_left,
            cast(event_count as double precision) as events,
            cast(at_risk_count as double precision) as number_at_risk,
            cast(at_risk_count - event_count as double precision) as survivors
        from at_risk
    ),

    sums as (
        select
            factors.*,
            sum(
                case when is_anybody_left then ln(survivors / number_at_risk) end
            ) over so_far as log_survival,
            sum(
                case when is_anybody_left then events / (number_at_risk * survivors) end
            ) over so_far as variance_sum
        from factors
        window so_far as ({{ partition }} order by duration_days rows unbounded preceding)
    )

    select
        {{ columns | join(', ') }},
        at_risk_count,
        event_count,
        censored_count,
        -- The least so far: engines may add the same logarithms in another order in each row.
        min(
            case when is_anybody_left then exp(log_survival) else 0 end
        ) over so_far as survival_probability,
        case when is_anybody_left then variance_sum end as greenwood_sum
    from sums
    window so_far as ({{ partition }} order by duration_days rows unbounded preceding)
{%- endmacro %}


{#- A bound of the 95 % interval of a survival probability, from the columns of kaplan_meier:
    Greenwood's variance on the scale log(-log S), which keeps the bounds within 0-1 (Kalbfleisch
    and Prentice, The Statistical Analysis of Failure Time Data, 1980). 1 while survival is 1; null
    where it is 0. -#}
{% macro survival_low() -%}
    {{ survival_bound('+') }}
{%- endmacro %}

{% macro survival_high() -%}
    {{ survival_bound('-') }}
{%- endmacro %}

{% macro survival_bound(sign) -%}
    case
        when survival_probability = 1 then cast(1 as double precision)
        when survival_probability > 0 then exp(
            ln(survival_probability)
            * exp({{ sign }} 1.959963984540054 * sqrt(greenwood_sum) / -ln(survival_probability))
        )
    end
{%- endmacro %}
