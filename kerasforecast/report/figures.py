"""The charts of the pages, each a plotly figure made from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerasforecast.report.traces import (
    PERCENT,
    SHARED,
    Figure,
    Interval,
    Values,
    axis,
    bands,
    bars,
    colour,
    figure,
    label,
    line,
    mark,
    note,
    stamps,
    timed,
    titled,
)

OPENED_ON = 90  # rows that a chart of forecasts shows at first: with more the lines hide one another


@dataclass(frozen=True, eq=False)
class Drawn:
    """Forecasts to be drawn over what happened.

    Attributes:
        dates: `(N,)`.
        forecasts: Each `(N,)` by name, NaN between two paths.
        intervals: Of the model.
    """

    dates: Values
    forecasts: Mapping[str, np.ndarray]
    intervals: Sequence[Interval] = ()


def outlook(
    dates: Values,
    values: np.ndarray,
    ahead: Values,
    forecast: np.ndarray,
    intervals: Sequence[Interval],
    target: str,
    paths: np.ndarray | None = None,
) -> Figure:
    """The forecast `(S,)` of the rows `ahead`, its intervals, and the last `(T,)` that are known of the series.

    `paths` `(P, H)` are drawn thin, as far as they reach.
    """
    known, last = stamps(dates), float(values[-1])
    future = stamps(ahead)
    drawn = np.empty((0, 0)) if paths is None else paths[:, : len(ahead)]
    if isinstance(known, np.ndarray) and isinstance(future, np.ndarray):  # both begin where the known rows end
        future = np.concatenate([known[-1:], future])
        forecast = np.concatenate([[last], forecast])
        intervals = [
            (name, np.concatenate([[last], lower]), np.concatenate([[last], upper])) for name, lower, upper in intervals
        ]
        drawn = np.concatenate([np.full((len(drawn), 1), last), drawn], axis=1)
    marked = "lines+markers" if len(ahead) <= 14 else "lines"
    traces = [
        *bands(future, intervals),
        *_thin(future, drawn),
        line("known", dates, values, "--actual", width=1.8),
        line("forecast", future, forecast, "--model", width=2.4, mode=marked),
    ]
    return timed(traces, yaxis=titled(target))


def _thin(future: Values, paths: np.ndarray) -> list[Figure]:
    """Paths `(P, S)` under one name."""
    traces = [line("paths", future[: paths.shape[1]], path, "--model", width=0.6) for path in paths]
    grouped = {"hoverinfo": "skip", "legendgroup": "paths", "opacity": 0.55}
    return [
        trace | grouped | {"showlegend": not place, "meta": trace["meta"] | {"path": place}}
        for place, trace in enumerate(traces)
    ]


def whole_series(
    dates: Values, values: np.ndarray, drawn: Drawn, parts: Mapping[str, Any] | None = None, target: str = ""
) -> Figure:
    """The series `(T,)` with the forecasts of its last part, without intervals, and where each part begins."""
    traces = _over(replace(drawn, intervals=()), line("actual", dates, values, "--actual", width=1.3))
    starts = [mark(start) for start in (parts or {}).values()]
    names = [note(name, start) for name, start in (parts or {}).items()]
    return timed(traces, shapes=starts, annotations=names, yaxis=titled(target))


def test_period(dates: Values, actual: np.ndarray, drawn: Drawn, opened: int = OPENED_ON, target: str = "") -> Figure:
    """What happened and the forecasts, with intervals; opened on the last of it."""
    traces = _over(drawn, line("actual", dates, actual, "--actual", width=1.6, most=SHARED // 8))
    return timed(traces, opened=opened, yaxis=titled(target))


def lead(dates: Values, leads: Mapping[str, np.ndarray]) -> Figure:
    """How far each model has come before the naive forecast, `(N,)` in percent: rising is better than naive."""
    most = min(SHARED // 8, SHARED // len(leads))
    traces = [
        line(name, dates, gain, colour(name, place), most=most) for place, (name, gain) in enumerate(leads.items())
    ]
    zero = {"zeroline": True, "zerolinecolor": "--naive", "zerolinewidth": 2, **PERCENT}
    return timed(traces, yaxis=zero)


def step_errors(steps: Sequence[int], errors: Mapping[str, np.ndarray]) -> Figure:
    """RMSE `(H,)` of each forecaster by steps ahead."""
    mode = "lines+markers" if len(steps) <= 15 else "lines"
    traces = [
        line(name, np.asarray(steps), rmse, colour(name, place), mode=mode)
        for place, (name, rmse) in enumerate(errors.items())
    ]
    xaxis = titled("steps ahead", dtick=1 if len(steps) <= 15 else None)
    return figure(traces[::-1], xaxis=xaxis, yaxis=titled("RMSE"))


def losses(
    epochs: np.ndarray, loss: np.ndarray, val_loss: np.ndarray, rates: np.ndarray, best: int, naive: float | None
) -> Figure:
    """Loss curves `(E,)` with the learning rate on an axis of its own, the best epoch, and the naive level."""
    rate = line("learning rate", epochs, rates, "--other-0", dash="dot", width=1.2) | {"yaxis": "y2"}
    rate["line"]["shape"] = "hv"  # the rate changes between epochs, not along the way
    ring = {"color": "--model", "size": 10, "symbol": "circle-open", "line": {"width": 2.5}}
    place, mode = list(epochs).index(best), "lines+markers" if len(epochs) <= 3 else "lines"
    traces = [
        line("training", epochs, loss, "--actual", mode=mode),
        line("validation", epochs, val_loss, "--model", width=2.2, mode=mode),
        rate,
        line("best epoch", [best], [val_loss[place]], "--model", mode="markers") | {"marker": ring},
    ]
    if naive is not None and naive < 3 * max(loss.max(), val_loss.max()):  # far off it would flatten the curves
        traces.insert(0, line("naive", epochs, np.full(len(epochs), naive), "--naive", dash="dash", width=1.2))
    least = min(loss.min(), val_loss.min())
    log = least > 0 and max(loss.max(), val_loss.max()) > 20 * least
    rate_axis = axis() | {"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero"}
    return figure(
        traces,
        xaxis=titled("epoch", dtick=1 if len(epochs) <= 15 else None),
        yaxis=titled("loss", type="log" if log else "linear"),
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
    counted = bars("errors", [float(f"{middle:.7g}") for middle in middles], counts, "--interval")
    counted |= {"width": float(np.diff(edges)[0])}
    counted["marker"] |= {"line": {"color": "--model", "width": 1}}
    traces = [counted, line("normal", middles, curve, "--naive", width=1.5)]
    return figure(traces, xaxis=titled("actual - forecast"), yaxis=titled("forecasts"), bargap=0)


def autocorrelation(errors: np.ndarray, lags: int = 30) -> Figure:
    """Autocorrelation of the errors `(N,)` with the bounds that chance rarely leaves (1.96 / sqrt(N))."""
    centred = errors - errors.mean()
    total = float(centred @ centred) or 1.0
    lags = max(1, min(lags, len(errors) - 2))
    values = [float(centred[lag:] @ centred[:-lag]) / total for lag in range(1, lags + 1)]
    bound = 1.96 / np.sqrt(len(errors))
    flat = {"type": "line", "layer": "above", "x0": 0, "x1": 1, "xref": "paper"}
    bounds = [
        flat | {"y0": side * bound, "y1": side * bound, "line": {"color": "--naive", "dash": "dot"}} for side in (1, -1)
    ]
    reach = max(0.25, 1.1 * max(abs(value) for value in values))
    heights = bars("autocorrelation", list(range(1, lags + 1)), values, "--model")
    yaxis = titled("autocorrelation", range=[-reach, reach])
    return figure([heights], xaxis=titled("lag"), yaxis=yaxis, shapes=bounds, bargap=0.5)


def calibration(levels: Sequence[float], observed: Sequence[float]) -> Figure:
    """Share of actual values below each forecast quantile against its level: on the diagonal they agree."""
    traces = [
        line("ideal", [0, 1], [0, 1], "--naive", dash="dot"),
        line("forecast", levels, observed, "--model", mode="lines+markers", width=2),
    ]
    unit = {"range": [0, 1]}
    return figure(traces, xaxis=titled("quantile level", **unit), yaxis=titled("share of values below", **unit))


def against_naive(names: Sequence[str], ratios: Mapping[str, Sequence[float | None]]) -> Figure:
    """Errors as ratios to the naive forecast's, in groups: bars stand on 1, below it is better."""
    groups = [label(name) for name in names]
    traces = [
        bars(name, groups, [None if ratio is None else ratio - 1 for ratio in heights], colour(name, place))
        | {"base": 1, "hovertemplate": "%{y:.3f}"}
        for place, (name, heights) in enumerate(ratios.items())
    ]
    gap = max(0.3, 1 - 0.1 * len(groups) * len(ratios))  # a few bars are no walls
    one = {"type": "line", "layer": "above", "x0": 0, "x1": 1, "xref": "paper", "y0": 1, "y1": 1}
    shapes = [one | {"line": {"color": "--naive", "width": 2}}]
    return figure(
        traces,
        xaxis={"type": "category"},
        yaxis=titled("of the naive forecast's"),
        barmode="group",
        shapes=shapes,
        bargap=gap,
    )


def _over(drawn: Drawn, actual: Figure) -> list[Figure]:
    """Intervals below all, then the naive line, what happened, and the models on top."""
    most = SHARED // (2 * len(drawn.intervals) + len(drawn.forecasts) + 1)
    lines = {
        name: line(name, drawn.dates, forecast, colour(name, place), most=most, width=1.2 if name == "naive" else 1.7)
        for place, (name, forecast) in enumerate(drawn.forecasts.items())
    }
    naive = [lines.pop("naive")] if "naive" in lines else []
    for each in naive:
        each["line"]["dash"], each["legendrank"] = "dot", 1001  # drawn below, named after the models
    return [*bands(drawn.dates, drawn.intervals, most), *naive, actual, *lines.values()]
