{%- set counts = [
    'response_count', 'sent_count', 'answered_count', 'promoter_count', 'passive_count',
    'detractor_count', 'favourable_count',
] -%}
with profiles as (
    select
        *,
        'all' as everyone
    from {{ ref('int_survey_counts') }}
),

limits as (
    {{ thresholds(['minimum_sample_count']) }}
),

segments as (
    {% for segment, value in {
        'all': 'everyone', 'archetype': 'archetype', 'country': 'country',
        'entry_source': 'entry_source',
    }.items() %}
    select
        survey,
        period_start,
        '{{ segment }}' as segment,
        {{ value }} as segment_value,
        {%- for count in counts %}
        cast(sum({{ count }}) as bigint) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from profiles
    group by survey, period_start, {{ value }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

shares as (
    select
        segments.*,
        {{ proportion('promoter_count', 'response_count') }} as promoter_share,
        {{ proportion('detractor_count', 'response_count') }} as detractor_share
    from segments
),

nps as (
    select
        shares.*,
        100 * (promoter_share - detractor_share) as net_score,
        -- The variance of answers that count 1, 0 and -1.
        100 * 1.96 * sqrt(
            (promoter_share + detractor_share - power(promoter_share - detractor_share, 2))
            / nullif(response_count, 0)
        ) as net_score_margin
    from shares
),

intervals as (
    select
        nps.*,
        case
            when survey = 'nps' then net_score
            else 100 * {{ proportion('favourable_count', 'response_count') }}
        end as score,
        -- Without an answer there is no bound either: the greatest of a null and -100 is -100.
        case
            when response_count = 0 then null
            when survey = 'nps' then greatest(-100, net_score - net_score_margin)
            else 100 * {{ wilson_bound('favourable_count', 'response_count', '-') }}
        end as score_low,
        case
            when response_count = 0 then null
            when survey = 'nps' then least(100, net_score + net_score_margin)
            else 100 * {{ wilson_bound('favourable_count', 'response_count', '+') }}
        end as score_high
    from nps
)

select
    intervals.survey,
    intervals.period_start,
    intervals.segment,
    intervals.segment_value,
    intervals.response_count,
    intervals.sent_count,
    intervals.answered_count,
    {{ proportion('intervals.answered_count', 'intervals.sent_count') }} as response_rate,
    intervals.score,
    intervals.score_low,
    intervals.score_high,
    case when intervals.survey = 'nps' then intervals.promoter_count end as promoter_count,
    case when intervals.survey = 'nps' then intervals.passive_count end as passive_count,
    case when intervals.survey = 'nps' then intervals.detractor_count end as detractor_count,
    case when intervals.survey <> 'nps' then intervals.favourable_count end as favourable_count,
    intervals.response_count >= limits.minimum_sample_count as is_sufficient,
    calendar.as_of_date
from intervals
cross join limits
cross join {{ ref('stg_calendar') }} as calendar
