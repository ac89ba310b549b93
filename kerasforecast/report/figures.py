"""Plotly figures as plain dictionaries, each from arrays; colours are names of the page's style variables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from kerasforecast.errors import printable
from kerasforecast.report.page import Figure

MOST_POINTS = 3_000  # of a line; beyond it every n-th row is drawn, since a screen has no more columns
OPENED_ON = 90  # forecasts that the chart of the test part shows at first: with more the lines hide one another
NONE = "rgba(0,0,0,0)"  # no colour: the card shows through
_OTHERS = 5  # colours for baselines beyond the naive forecast

Values: TypeAlias = Sequence[Any] | np.ndarray
Interval: TypeAlias = tuple[str, np.ndarray, np.ndarray]  # name, lower and upper ends (N,), outermost interval first


def prices(
    dates: Values,
    values: np.ndarray,
    tested: Values,
    forecasts: Mapping[str, np.ndarray],
    intervals: Sequence[Interval] = (),
    parts: Mapping[str, Any] | None = None,
) -> Figure:
    """The series `(T,)` with the forecasts `(N,)` of its last part, their intervals, and where each part begins."""
    traces = [line("actual", dates, values, "--actual", width=1.3), *_intervals(tested, intervals)]
    traces += [_forecast(name, tested, forecast, place) for place, (name, forecast) in enumerate(forecasts.items())]
    starts = [_mark(start) for start in (parts or {}).values()]
    names = [_note(name, start) for name, start in (parts or {}).items()]
    return _figure(traces, shapes=starts, annotations=names)


def test_period(
    dates: Values, actual: np.ndarray, forecasts: Mapping[str, np.ndarray], intervals: Sequence[Interval] = ()
) -> Figure:
    """What happened and the forecasts `(N,)`, with intervals; opened on the last of it, the rest in a strip below."""
    traces = _intervals(dates, intervals)
    traces.append(line("actual", dates, actual, "--actual", width=1.6))
    traces += [_forecast(name, dates, forecast, place) for place, (name, forecast) in enumerate(forecasts.items())]
    xaxis: Figure = {"rangeslider": {"visible": True, "thickness": 0.13, "bgcolor": "--strip"}}
    xaxis["rangeslider"]["yaxis"] = {"rangemode": "auto"}
    yaxis: Figure = {}
    if len(dates) > 2 * OPENED_ON:
        shown = [actual, *forecasts.values(), *(end for _, *ends in intervals for end in ends)]
        tail = np.concatenate([curve[-OPENED_ON:] for curve in shown])
        room = 0.05 * float(np.ptp(tail))
        xaxis["range"] = plain([dates[-OPENED_ON], dates[-1]])
        yaxis["range"] = numbers([tail.min() - room, tail.max() + room])
    return _figure(traces, xaxis=xaxis, yaxis=yaxis, margin={"b": 10})


def lead(dates: Values, leads: Mapping[str, np.ndarray]) -> Figure:
    """Cumulated squared errors of the naive forecast minus those of each model, `(N,)`: rising is better than naive."""
    traces = [line(name, dates, gain, colour(name, place)) for place, (name, gain) in enumerate(leads.items())]
    return _figure(traces, yaxis={"zeroline": True, "zerolinecolor": "--naive", "zerolinewidth": 2})


def step_errors(steps: Sequence[int], errors: Mapping[str, np.ndarray]) -> Figure:
    """RMSE `(H,)` of each forecaster by steps ahead."""
    traces = [
        line(name, steps, rmse, colour(name, place), mode="lines+markers")
        for place, (name, rmse) in enumerate(errors.items())
    ]
    return _figure(traces, xaxis=_titled("steps ahead", dtick=1 if len(steps) <= 15 else None), yaxis=_titled("RMSE"))


def losses(
    epochs: np.ndarray, loss: np.ndarray, val_loss: np.ndarray, rates: np.ndarray, best: int, naive: float | None
) -> Figure:
    """Loss curves `(E,)` with the learning rate on an axis of its own, the best epoch, and the naive level."""
    traces = [
        line("training", epochs, loss, "--actual"),
        line("validation", epochs, val_loss, "--model", width=2.2),
        line("learning rate", epochs, rates, "--other-0", dash="dot", width=1.2) | {"yaxis": "y2"},
        _points("best epoch", [best], [val_loss[list(epochs).index(best)]], "--model"),
    ]
    traces[2]["line"]["shape"] = "hv"  # the rate changes between epochs, not along the way
    if naive is not None and naive < 3 * max(loss.max(), val_loss.max()):  # far off it would flatten the curves
        traces.append(line("naive", epochs, np.full(len(epochs), naive), "--naive", dash="dash", width=1.2))
    log = min(loss.min(), val_loss.min()) > 0 and max(loss.max(), val_loss.max()) > 20 * min(loss.min(), val_loss.min())
    rate_axis = _axis() | {"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero"}
    return _figure(
        traces,
        xaxis=_titled("epoch"),
        yaxis=_titled("loss", type="log" if log else "linear"),
        yaxis2=rate_axis | {"tickformat": ".0e", "nticks": 4},
        margin={"r": 52},
    )


def residuals(errors: np.ndarray) -> Figure:
    """Histogram of the errors `(N,)` beside the normal curve of their mean and spread."""
    counts, edges = np.histogram(errors, bins=min(60, max(10, round(len(errors) ** 0.5 * 1.5))))
    middles = (edges[:-1] + edges[1:]) / 2
    spread = float(errors.std()) or 1.0
    normal = len(errors) * np.diff(edges)[0] / (spread * np.sqrt(2 * np.pi))
    curve = normal * np.exp(-0.5 * ((middles - errors.mean()) / spread) ** 2)
    bars = _bars("errors", numbers(middles), counts.tolist(), "--interval") | {"width": float(np.diff(edges)[0])}
    bars["marker"] |= {"line": {"color": "--model", "width": 1}}
    traces = [bars, line("normal", middles, curve, "--naive", width=1.5)]
    return _figure(traces, xaxis=_titled("actual - forecast"), yaxis=_titled("forecasts"), bargap=0)


def autocorrelation(errors: np.ndarray, lags: int = 30) -> Figure:
    """Autocorrelation of the errors `(N,)` with the bounds that chance rarely leaves (1.96 / sqrt(N))."""
    centred = errors - errors.mean()
    total = float(centred @ centred) or 1.0
    lags = max(1, min(lags, len(errors) - 2))
    values = [float(centred[lag:] @ centred[:-lag]) / total for lag in range(1, lags + 1)]
    bound = 1.96 / np.sqrt(len(errors))
    bounds = [
        _shape(
            "line", y0=side * bound, y1=side * bound, x0=0, x1=1, xref="paper", line={"color": "--naive", "dash": "dot"}
        )
        for side in (1, -1)
    ]
    bars = _bars("autocorrelation", list(range(1, lags + 1)), numbers(values), "--model")
    reach = max(0.25, 1.1 * max(abs(value) for value in values))
    yaxis = _titled("autocorrelation", range=[-reach, reach])
    return _figure([bars], xaxis=_titled("lag"), yaxis=yaxis, shapes=bounds, bargap=0.5)


def calibration(levels: Sequence[float], observed: Sequence[float]) -> Figure:
    """Share of actual values below each forecast quantile against its level: on the diagonal they agree."""
    traces = [
        line("ideal", [0, 1], [0, 1], "--naive", dash="dot"),
        line("forecast", levels, observed, "--model", mode="lines+markers", width=2),
    ]
    return _figure(
        traces, xaxis=_titled("quantile level", range=[0, 1]), yaxis=_titled("share of values below", range=[0, 1])
    )


def grouped(names: Values, values: Mapping[str, Sequence[float | None]], what: str) -> Figure:
    """Bars in groups: `names` along the axis, one colour a series of `values`."""
    groups = [label(name) for name in names]
    traces = [
        _bars(name, groups, list(heights), colour(name, place)) for place, (name, heights) in enumerate(values.items())
    ]
    return _figure(traces, xaxis={"type": "category"}, yaxis=_titled(what), barmode="group")


def line(
    name: str, x: Values, y: Any, color: str, *, width: float = 1.8, dash: str = "solid", mode: str = "lines"
) -> Figure:
    """One curve; thinned evenly where it has more points than a screen."""
    step = -(-len(x) // MOST_POINTS)
    return {
        "type": "scatter",
        "mode": mode,
        "name": label(name),
        "x": plain(x[::step]),
        "y": numbers(np.asarray(y, dtype=np.float64)[::step]),
        "line": {"color": color, "width": width, "dash": dash},
        "marker": {"color": color, "size": 6},
    }


def colour(name: str, place: int = 0) -> str:
    """The colour of the model (place 0), then of baseline 1, 2, ...; the naive forecast's is its own."""
    if name == "naive":
        return "--naive"
    return "--model" if place == 0 else f"--other-{(place - 1) % _OTHERS}"


def label(name: str) -> str:
    """A name from data as plotly shows it: as text, not as the markup that plotly would take it for."""
    return html.escape(printable(name), quote=False)


def numbers(values: Any) -> list[float | None]:
    """Floats of seven digits for JSON; what is not finite is `None`, a gap in the line."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=np.float64)]


def plain(values: Values) -> list[Any]:
    """Dates as text and steps as integers, as JSON takes them and plotly may show them."""
    return [
        label(value) if isinstance(value, str) else value.item() if hasattr(value, "item") else value
        for value in values
    ]


def _forecast(name: str, dates: Values, forecast: np.ndarray, place: int) -> Figure:
    naive = name == "naive"
    return line(
        name, dates, forecast, colour(name, place), width=1.2 if naive else 1.6, dash="dot" if naive else "solid"
    )


def _intervals(dates: Values, intervals: Sequence[Interval]) -> list[Figure]:
    traces = []
    for place, (name, lower, upper) in enumerate(intervals):
        edge = {"mode": "lines", "line": {"width": 0, "color": "--interval"}, "hoverinfo": "skip"}
        low, high = (line(name, dates, end, "--interval") | edge for end in (lower, upper))
        shade = "--interval" if place == 0 else "--inner"
        traces += [low | {"showlegend": False}, high | {"fill": "tonexty", "fillcolor": shade}]
    return traces


def _points(name: str, x: list[Any], y: Any, color: str) -> Figure:
    marker = {"color": color, "size": 10, "symbol": "circle-open", "line": {"width": 2.5}}
    return line(name, x, y, color, mode="markers") | {"marker": marker}


def _bars(name: str, x: list[Any], y: list[Any], color: str) -> Figure:
    return {"type": "bar", "name": label(name), "x": x, "y": y, "marker": {"color": color}}


def _shape(kind: str, **settings: Any) -> Figure:
    return {"type": kind, "layer": "above"} | settings


def _mark(start: Any) -> Figure:
    """Where a part of the split begins."""
    return _shape(
        "line", x0=start, x1=start, y0=0, y1=1, yref="paper", line={"color": "--soft", "width": 1, "dash": "dot"}
    )


def _note(name: str, start: Any) -> Figure:
    place = {"x": start, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 3}
    return {"text": label(name), "showarrow": False, "font": {"color": "--soft", "size": 11}, **place}


def _axis() -> Figure:
    return {"gridcolor": "--grid", "linecolor": "--line", "zerolinecolor": "--line", "automargin": True}


def _titled(title: str, **settings: Any) -> Figure:
    return {"title": {"text": title, "standoff": 8}} | {
        name: value for name, value in settings.items() if value is not None
    }


def _figure(traces: list[Figure], margin: Figure | None = None, **layout: Any) -> Figure:
    axes = {name: _axis() | layout.pop(name, {}) for name in ("xaxis", "yaxis")}
    return {
        "data": traces,
        "layout": {
            "paper_bgcolor": NONE,
            "plot_bgcolor": NONE,
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": "--soft"},
            "hoverlabel": {"bgcolor": "--hover", "bordercolor": "--line", "font": {"color": "--ink"}},
            "margin": {"l": 56, "r": 12, "t": 34 if len(traces) > 1 else 12, "b": 40} | (margin or {}),
            "legend": {
                "orientation": "h",
                "traceorder": "normal",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "bgcolor": NONE,
            },
            "showlegend": len(traces) > 1,
            "hovermode": "x unified",
            **axes,
            **layout,
        },
    }
