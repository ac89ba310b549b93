"""The charts of an explanation, and the arrays that its script draws."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from kerasforecast.data.stamps import iso_texts
from kerasforecast.explain.cells import GATES, Layer
from kerasforecast.explain.findings import Findings
from kerasforecast.explain.memory import Fading, Recall
from kerasforecast.explain.origin import Origin
from kerasforecast.explain.reach import Reach
from kerasforecast.explain.whatif import WhatIf
from kerasforecast.explain.why import Why
from kerasforecast.report.composition import parts_figures
from kerasforecast.report.traces import PERCENT, Figure, bars, figure, label, line, timed, titled

_BARS = 9  # parts that are drawn apart
_UNITS = 64  # of a layer that are drawn
_BEFORE = 120  # rows before the forecast that its chart shows
_STRETCH_AFTER = 30
_COLOURS = ("--model", "--other-0", "--other-1", "--other-3", "--other-4", "--other-2", "--naive", "--edge")
_CELLS = {"rnn": "--naive", "lstm": "--other-0", "gru": "--other-1"}


def forecast_figure(found: Findings) -> Figure:
    """The forecast after the last rows that it knows, beside the simple ones and what happened."""
    origin, why = found.origin, found.why
    first = max(0, origin.row + 1 - max(_BEFORE, found.manifest.window))
    index = origin.panel.index
    known, values = index[first : origin.row + 1], origin.panel.values[first : origin.row + 1, 0]
    ahead = rows_ahead(found.origin)
    last = float(values[-1])
    mode = "lines+markers" if len(why.forecast) <= 14 else "lines"
    places = np.concatenate([np.asarray(known[-1:]), np.asarray(ahead)])
    traces = [line("known", known, values, "--actual")]
    actual = origin.actual
    if np.isfinite(actual).any():
        traces.append(line("what happened", places, [last, *actual], "--other-2", width=1.4))
    traces.append(line("naive", places, np.full(len(places), why.naive), "--naive", dash="dot", width=1.4))
    if why.best is not None:
        traces.append(line("best simple forecast", places, [last, *why.best[1]], "--other-0", dash="dash", width=1.6))
    traces.append(line("forecast", places, [last, *why.forecast], "--model", width=2.4, mode=mode))
    return timed(traces, yaxis=titled(found.manifest.target), opened=_BEFORE)


def parts_figure(why: Why, dates: list[str | int]) -> Figure:
    """What each part adds: a bar each of one step, stacks of several."""
    parts = shown_parts(why)
    unit = titled("adds to the naive forecast")
    if len(dates) == 1:
        names = [label(name) for name in parts]
        values = [float(part[0]) for part in parts.values()]
        rises = bars("raises", names, [value if value >= 0 else None for value in values], "--model")
        falls = bars("lowers", names, [value if value < 0 else None for value in values], "--naive")
        return figure([rises, falls], xaxis={"type": "category"}, yaxis=unit, barmode="overlay", bargap=0.4)
    steps = [str(step) for step in range(1, len(dates) + 1)]
    shades = [*_COLOURS, "--train"]
    traces = [
        bars(name.removesuffix(" back"), steps, part, shade)  # a phone's legend has little room
        for (name, part), shade in zip(parts.items(), shades, strict=False)
    ]
    sums = line("all together", np.arange(len(steps)), why.difference, "--ink", width=2, mode="lines+markers")
    sums["x"] = steps
    axis = titled("steps ahead", type="category")
    return figure([*traces, sums], xaxis=axis, yaxis=unit, barmode="relative", bargap=0.3)


def shown_parts(why: Why) -> dict[str, np.ndarray]:
    """The parts that are drawn: of many the largest, and the others together."""
    parts = why.parts
    if len(parts) <= _BARS:
        return parts
    size = {name: float(np.abs(part).sum()) for name, part in parts.items()}
    kept = set(sorted(parts, key=lambda name: -size[name])[: _BARS - 1])
    rest = np.sum([part for name, part in parts.items() if name not in kept], axis=0)
    return {name: part for name, part in parts.items() if name in kept} | {"all else": rest}


def lag_figure(why: Why) -> Figure:
    """What each row or move adds to a forecast of one step, by how far it lies back."""
    window = why.lags.shape[1]
    lags = np.arange(window, 0, -1)
    values = why.lags[0]
    traces = [
        bars("raises", lags.tolist(), [value if value >= 0 else None for value in values], "--model"),
        bars("lowers", lags.tolist(), [value if value < 0 else None for value in values], "--naive"),
    ]
    axis = titled("rows back", autorange="reversed")
    return figure(traces, xaxis=axis, yaxis=titled("adds"), barmode="overlay", bargap=0.15)


def reach_figure(reach: Reach) -> Figure:
    """The error by how many rows are left as they are."""
    errors = 100 * reach.errors / reach.errors[-1] - 100
    drawn = line("error", reach.kept, errors, "--model", mode="lines+markers")
    xaxis = titled("rows left as they are", type="log", tickvals=reach.kept.tolist())
    xaxis["ticktext"] = [str(rows) for rows in reach.kept]
    return figure([drawn], xaxis=xaxis, yaxis=titled("error beyond that of all rows", **PERCENT))


def inner_figures(found: Findings) -> tuple[tuple[str, Figure], ...]:
    """What a forecast is the sum of by the network itself."""
    total = np.sum(list(found.parts.values()), axis=0)
    return parts_figures(rows_ahead(found.origin), total, found.parts, found.manifest.target)


def fading_figure(fading: tuple[Fading, ...]) -> Figure:
    """The size of the gradient by how many rows back, on a scale of powers of ten."""
    traces = []
    for place, each in enumerate(fading):
        cell, _, when = each.name.partition(" ")
        shade = _CELLS.get(cell) or ("--model", "--train", "--validation")[place % 3]
        lags = np.arange(len(each.sizes), 0, -1)
        sizes = np.where(each.sizes > 0, np.maximum(each.sizes, 1e-30), np.nan)
        dash = "dot" if when == "at start" else "solid"
        traces.append(line(each.name, lags, sizes, shade, dash=dash, width=2.6 if cell not in _CELLS else 1.7))
    axis = titled("rows back", autorange="reversed")
    yaxis = titled("size of the gradient", type="log", exponentformat="power")
    return figure(traces, xaxis=axis, yaxis=yaxis, hovermode="x unified")


def recall_figure(task: Recall) -> Figure:
    """How much of a marked value arrives at the end of the window, by how many rows back it lies."""
    lags = np.arange(task.rows - 1, -1, -1)
    traces = [line(cell, lags, slopes, _CELLS[cell], width=2) for cell, slopes in task.slopes.items()]
    axis = titled("rows back", autorange="reversed")
    return figure(traces, xaxis=axis, yaxis=titled("gradient by the marked value", rangemode="tozero"))


def script_data(found: Findings) -> dict[str, Any]:
    """What the page's script draws, by the id of its place; plain JSON."""
    why, data = found.why, {}
    if len(why.forecast) > 1:
        window = why.lags.shape[1]
        what = "move" if why.moves else "row"
        data["lags"] = _heat(why.lags, signed=True) | {
            "rows": [f"step {step + 1} ({date})" for step, date in enumerate(found.origin.dates)],
            "columns": [f"{what} {lag} back" for lag in range(window, 0, -1)],
        }
    if found.what_if is not None:
        data["whatif"] = _sliders(found.what_if, found)
    if found.inside is not None:
        data["inside"] = _inside(found)
    if found.states is not None:
        data["states"] = _states(found)
    if found.attention is not None:
        names = [_patch_name(first, last) for first, last in found.attention.patches]
        layers = [_heat(layer, least=0.0) | {"rows": names, "columns": names} for layer in found.attention.layers]
        data["attention"] = {"layers": layers}
    return data


def units_drawn(layer: Layer) -> np.ndarray:
    """Units from those that remember longest, in their own order where nothing says; of many, some, evenly chosen."""
    lives = layer.half_lives
    order = np.arange(layer.rows["h"].shape[1]) if lives is None else np.argsort(-lives, kind="stable")
    if len(order) <= _UNITS:
        return order
    return order[np.linspace(0, len(order) - 1, _UNITS).round().astype(int)]


def rows_ahead(origin: Origin) -> Any:
    """Dates or steps of the rows that are forecast."""
    index, horizon = origin.windows.panel.index, len(origin.dates)
    if origin.row + horizon < len(index):
        return index[origin.row + 1 : origin.row + 1 + horizon]
    first = origin.dates[0]
    if isinstance(first, int):
        return np.asarray(origin.dates)
    return np.asarray(origin.dates, "datetime64[ms]")


def _inside(found: Findings) -> dict[str, Any]:
    inner, origin = found.inside, found.origin
    if inner is None:
        return {}
    layers = []
    for layer in inner.layers:
        units, lives = units_drawn(layer), layer.half_lives
        names = {letter: name for name, letter in GATES.items()}
        rows = {
            names[letter]: _heat(layer.rows[letter][:, units].T, signed=letter in "gch")
            for letter in GATES.values()
            if letter in layer.rows
        }
        lasting = None if lives is None else [float(f"{lives[unit]:.3g}") for unit in units]
        layers.append({"name": layer.name, "units": units.tolist(), "lives": lasting, "quantities": rows})
    last = origin.row + 1
    first = last - inner.member.network.window
    index = origin.panel.index
    dates = iso_texts(index[max(first, 0) : last], index)
    absent = max(-first, 0)
    values = origin.batch.past[0, inner.cut :, 0].astype(np.float64)
    return {"layers": layers, "dates": ["before"] * absent + dates, "values": _short(values)}


def _states(found: Findings) -> dict[str, Any]:
    states, origin = found.states, found.origin
    if states is None:
        return {}
    last = min(int(origin.panel.observed[0]), origin.row + 1 + _STRETCH_AFTER)
    index = origin.panel.index
    return {
        "values": _packed(states.values),
        "count": len(states.values),
        "width": states.values.shape[1],
        "dates": iso_texts(index[states.first : last], index),
        "series": _short(origin.panel.values[states.first : last, 0]),
    }


def _sliders(what_if: WhatIf, found: Findings) -> dict[str, Any]:
    return {
        "sliders": [
            {"column": each.column, "labels": list(each.labels), "start": each.start, "sets": each.sets}
            for each in what_if.sliders
        ],
        "together": what_if.together,
        "steps": what_if.forecasts.shape[-1],
        "forecasts": _packed(what_if.forecasts),
        "dates": [str(date) for date in found.origin.dates],
        "naive": found.why.naive,
    }


def _heat(values: np.ndarray, *, signed: bool = False, least: float = np.inf) -> dict[str, Any]:
    """`(R, C)` as 8-bit numbers between its ends, the lower `least` at most; `signed` ones as far from 0."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    low = -largest if signed else min(least, float(values.min()))
    high = largest if signed else max(float(values.max()), low + 1e-9)
    scaled = np.round((values - low) / (high - low) * 254).astype(np.uint8)
    content = base64.b64encode(np.ascontiguousarray(scaled).tobytes()).decode()
    return {"u1": content, "shape": list(values.shape), "low": low, "high": high, "signed": signed}


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def _patch_name(first: int, last: int) -> str:
    if first > 0:
        return f"{first} to {last} ahead"
    return f"{1 - first} to {1 - last} back"
