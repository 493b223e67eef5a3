-- How long do customers stay? Share not yet lost 30, 90, 180 and 365 days after the first payment,
-- by segment (null where nobody was watched for so long). A loss by silence shows after 180.
with spans as (
    select
        segment,
        segment_value,
        max(at_risk_count) as customer_count,
        max(day) as last_day
    from {{ ref('survival_curves') }}
    group by segment, segment_value
)

select
    spans.segment,
    spans.segment_value,
    spans.customer_count,
    min(
        case when spans.last_day >= 30 and curves.day <= 30 then curves.survival_probability end
    ) as survival_30d,
    min(
        case when spans.last_day >= 90 and curves.day <= 90 then curves.survival_probability end
    ) as survival_90d,
    min(
        case when spans.last_day >= 180 and curves.day <= 180 then curves.survival_probability end
    ) as survival_180d,
    min(
        case when spans.last_day >= 365 and curves.day <= 365 then curves.survival_probability end
    ) as survival_365d,
    min(curves.survival_probability) as last_survival,
    max(curves.day) as last_day
from {{ ref('survival_curves') }} as curves
inner join spans
    on curves.segment = spans.segment and curves.segment_value = spans.segment_value
group by spans.segment, spans.segment_value, spans.customer_count
order by spans.segment asc, spans.customer_count desc, spans.segment_value asc
