select
    parameters.fit_id,
    parameters.model,
    parameters.parameter,
    parameters.code_version,
    parameters.value,
    parameters.standard_error,
    parameters.sample_size,
    parameters.log_likelihood,
    parameters.is_current,
    parameters.training_start,
    parameters.training_end,
    calendar.as_of_date,
    parameters.fitted_at
from {{ ref('stg_model_parameters') }} as parameters
cross join {{ ref('stg_calendar') }} as calendar
