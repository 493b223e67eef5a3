-- One row per model that scores use now.
select
    model,
    max(training_start) as training_start,
    max(training_end) as training_end,
    max(sample_size) as sample_count,
    max(log_likelihood) as log_likelihood,
    count(standard_error) as estimated_parameter_count,
    max(case when parameter = 'holdout_auc' then value end) as holdout_auc,
    max(fitted_at) as fitted_at,
    max(code_version) as code_version
from marts.model_parameters
where is_current
group by model
having count(standard_error) > 0
order by model
