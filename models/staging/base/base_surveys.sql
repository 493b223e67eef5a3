with landed as (
    {{ landed_rows('surveys') }}
),

scales as (
    select * from {{ ref('survey_scales') }}
),

typed as (
    {{ typed_rows('surveys') }}
),

scaled as (
    select
        typed.*,
        coalesce(typed.scale_min, scales.scale_min) as lowest_score,
        coalesce(typed.scale_max, scales.scale_max) as highest_score
    from typed
    left join scales on typed.survey = scales.survey
),

{{ judged_rows(
    'surveys', 'scaled', key=['response_id'], event_at='coalesce(responded_at, sent_at)',
    keep=['lowest_score', 'highest_score'],
    version_at=['sent_at', 'responded_at'],
    impossible_times=[('responded_at', 'sent_at')],
    checks=[
        ('score_out_of_scale', 'landed_score is not null and score is null',
            found('score', 'is no number')),
        ('score_out_of_scale', 'lowest_score > highest_score',
            found('scale_min', 'is above the end of the scale')),
        ('score_out_of_scale', 'score < lowest_score or score > highest_score',
            found('score', 'lies outside', scale_text())),
    ],
) }}

select * from judged
