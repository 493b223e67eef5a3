-- One row: complaints, and those who say nothing, as the texts claim and as the data say.
with filed as (
    select
        count(*) as complaint_count,
        max(silent_estimate) as claimed_silent_per_complaint,
        max(silent_estimate_source) as claim_source,
        max(silent_estimate_observed) as observed_silent_per_complaint
    from marts.complaints
),

unfiled as (
    select
        count(*) as unfiled_count,
        count(distinct customer_id) as unfiled_customer_count
    from marts.unfiled_complaints
)

select
    filed.complaint_count,
    filed.claimed_silent_per_complaint,
    filed.observed_silent_per_complaint,
    unfiled.unfiled_count,
    unfiled.unfiled_customer_count,
    filed.claim_source
from filed
cross join unfiled
where filed.complaint_count > 0 or unfiled.unfiled_count > 0
