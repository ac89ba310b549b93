"""A trained network's forecasts: windows in, values and prediction intervals out."""
