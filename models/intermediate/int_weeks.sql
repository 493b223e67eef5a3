{{ period_spine('week') }}
