{#- What scores each cut-off date: a past day is scored with what had been fitted by then, so no
    parameter knows the future. -#}
with cutoffs as (
    select * from {{ ref('int_cutoffs') }}
),

-- A model of orders that was tried and not chosen has figures, and no r.
fits as (
    select distinct
        family,
        model,
        fit_id,
        training_end,
        fitted_at
    from {{ ref('stg_model_parameters') }}
    where
        family in ('spend', 'churn_activity', 'churn_contract')
        or (family = 'orders' and parameter = 'r')
),

ranked as (
    select
        cutoffs.cutoff_number,
        fits.family,
        fits.model,
        fits.fit_id,
        fits.training_end,
        cutoffs.cutoff_date,
        row_number() over (
            partition by cutoffs.cutoff_number, fits.family
            order by fits.training_end desc, fits.fitted_at desc, fits.fit_id desc, fits.model desc
        ) as age_rank
    from cutoffs
    inner join fits on cutoffs.cutoff_date >= fits.training_end
)

select
    cutoff_number,
    family,
    model,
    fit_id,
    training_end,
    cutoff_date
from ranked
where age_rank = 1
