"""A table of forecasts as `Model.forecast` gives it: the modules that draw it are loaded where a notebook shows it."""

from __future__ import annotations

import pandas as pd


class ForecastTable(pd.DataFrame):
    """A table of forecasts, which a notebook shows with a picture of each row's intervals; any part is a DataFrame."""

    def _repr_html_(self) -> str:
        if "forecast" not in self or not len(self):  # its holder has changed it
            return super()._repr_html_()
        from kerasforecast.report.notebook import forecast_html

        return forecast_html(self)
