-- One row per metric and whole month; one row with a null month for a metric without months.
select
    figures.metric,
    figures.label,
    figures.unit,
    figures.description,
    figures.period_start,
    figures.value,
    figures.previous_value,
    figures.baseline_date,
    figures.baseline_value,
    months.month,
    months.value as month_value
from metrics.metric_values as figures
left join metrics.metric_months as months
    on
        figures.metric = months.metric
        and months.is_complete
order by figures.metric, months.month
