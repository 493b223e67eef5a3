-- The fits that score the as-of date are those that are shown as current, and no date is scored
-- with a fit that learnt from a later one.
with current_fits as (
    select distinct
        family,
        model,
        fit_id
    from {{ ref('stg_model_parameters') }}
    where is_current and (family <> 'orders' or parameter = 'r')
),

fits_of_today as (
    select * from {{ ref('int_cutoff_fits') }} where cutoff_number = 0
)

select
    coalesce(current_fits.family, fits_of_today.family) as family,
    current_fits.fit_id as current_fit_id,
    fits_of_today.fit_id
from current_fits
full outer join fits_of_today
    on
        current_fits.family = fits_of_today.family
        and current_fits.model = fits_of_today.model
        and current_fits.fit_id = fits_of_today.fit_id
where current_fits.fit_id is null or fits_of_today.fit_id is null
union all
select
    family,
    null as current_fit_id,
    fit_id
from {{ ref('int_cutoff_fits') }}
where training_end > cutoff_date
