{{ period_spine('month') }}
