"""The picture that `Model.plot` gives: the last test forecasts, what happened, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.metrics.probabilistic import central_intervals
from kerasforecast.report.figures import OPENED_ON

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ACTUAL, _FORECAST, _FILL = "#111827", "#2563eb", "rgba(37, 99, 235, 0.18)"


def forecast_figure(tested: pd.DataFrame, ahead: pd.DataFrame, levels: tuple[float, ...], title: str) -> go.Figure:
    """Draw the end of the test part and the forecast that follows it.

    Args:
        tested: One row a forecast, as `kerasforecast.evaluation.evaluation.Evaluation.table`; the first steps ahead
            are drawn.
        ahead: One row a step, as `kerasforecast.Model.forecast` gives it.
        levels: Of the quantiles in both; the widest interval is drawn.
        title: Above the figure.
    """
    import plotly.graph_objects as go

    first = tested[tested["step"] == 1] if "step" in tested else tested
    first = first.tail(OPENED_ON)
    dates, future = first["date"].to_numpy(), ahead.index.to_numpy()
    figure = go.Figure(layout={"title": title, "template": "plotly_white", "hovermode": "x unified"})
    names = list(map(quantile_column, levels))
    intervals = central_intervals(levels)
    if intervals and set(names) <= set(first.columns) & set(ahead.columns):
        nominal, low, high = intervals[0]
        name = f"{nominal:.0%} interval"
        _interval(figure, dates, first[names[low]], first[names[high]], name, shown=True)
        _interval(figure, future, ahead[names[low]], ahead[names[high]], name, shown=False)
    figure.add_scatter(x=dates, y=first["actual"], name="actual", line={"color": _ACTUAL, "width": 1.5})
    figure.add_scatter(x=dates, y=first["forecast"], name="test forecast", line={"color": _FORECAST, "width": 1.2})
    marks = {"mode": "lines+markers", "line": {"color": _FORECAST, "dash": "dot"}}
    figure.add_scatter(x=future, y=ahead["forecast"], name="next forecast", **marks)
    return figure


def _interval(figure: go.Figure, x: np.ndarray, low: pd.Series, high: pd.Series, name: str, *, shown: bool) -> None:
    """A band between two curves; those of one name stand together in the legend."""
    group: dict[str, Any] = {"legendgroup": name, "hoverinfo": "skip", "mode": "lines", "line": {"width": 0}}
    figure.add_scatter(x=x, y=low, showlegend=False, **group)
    figure.add_scatter(x=x, y=high, name=name, showlegend=shown, fill="tonexty", fillcolor=_FILL, **group)
