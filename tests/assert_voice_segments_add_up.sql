-- Whatever divides the customers, its values add up to all of them, per survey and period.
{%- set measures = [
    'response_count', 'sent_count', 'answered_count', 'promoter_count', 'passive_count',
    'detractor_count', 'favourable_count',
] %}
with scores as (
    select
        *,
        coalesce(period_start, cast('0001-01-01' as date)) as period
    from {{ ref('survey_scores') }}
),

everyone as (
    select * from scores where segment = 'all'
),

segments as (
    {% for segment in ['archetype', 'country', 'entry_source'] %}
    select '{{ segment }}' as segment
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

sums as (
    select
        survey,
        period,
        segment,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from scores
    where segment <> 'all'
    group by survey, period, segment
)

select
    everyone.survey,
    everyone.period_start,
    segments.segment,
    everyone.response_count,
    sums.response_count as response_count_of_segment
from everyone
cross join segments
left join sums
    on everyone.survey = sums.survey
    and everyone.period = sums.period
    and segments.segment = sums.segment
where
    sums.survey is null
    {%- for measure in measures %}
    or coalesce(everyone.{{ measure }}, -1) <> coalesce(sums.{{ measure }}, -1)
    {%- endfor %}
union all
select
    sums.survey,
    sums.period as period_start,
    sums.segment,
    null as response_count,
    sums.response_count as response_count_of_segment
from sums
left join everyone on sums.survey = everyone.survey and sums.period = everyone.period
where everyone.survey is null
