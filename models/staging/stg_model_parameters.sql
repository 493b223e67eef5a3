with parameters as (
    select
        fit_id,
        case
            when model in ('bg_nbd', 'mbg_nbd') then 'orders'
            when model in ('gamma_gamma', 'mean_spend') then 'spend'
            else model
        end as family,
        model,
        parameter,
        value,
        standard_error,
        sample_size,
        log_likelihood,
        code_version,
        training_start,
        training_end,
        fitted_at
    from {{ source('ledger', 'model_parameters') }}
),

fits as (
    select distinct
        fit_id,
        family,
        training_end,
        fitted_at
    from parameters
),

-- A past day is scored with what had been fitted by then: no parameter knows the future.
known_fits as (
    select
        fits.fit_id,
        fits.family,
        row_number() over (
            partition by fits.family
            order by fits.training_end desc, fits.fitted_at desc, fits.fit_id desc
        ) as age_rank
    from fits
    cross join {{ ref('stg_calendar') }} as calendar
    where fits.training_end <= calendar.as_of_date
)

select
    parameters.fit_id,
    parameters.family,
    parameters.model,
    parameters.parameter,
    parameters.value,
    parameters.standard_error,
    parameters.sample_size,
    parameters.log_likelihood,
    parameters.code_version,
    known_fits.fit_id is not null as is_current,
    parameters.training_start,
    parameters.training_end,
    parameters.fitted_at
from parameters
left join known_fits
    on parameters.fit_id = known_fits.fit_id
    and parameters.family = known_fits.family
    and known_fits.age_rank = 1
