"""The charts of a study, each a plotly figure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasforecast.errors import printable
from kerasforecast.report.traces import Figure, bars, figure, line, titled
from kerasforecast.tuning.record import Curve, StudyRecord, Trial, shown_value
from kerasforecast.tuning.tables import importance_of

_LINES = 200  # trials in parallel coordinates that can be told from one another


def path(record: StudyRecord) -> Figure:
    """The error of each trial in turn, and the least so far."""
    scored = _scored(record)
    numbers = np.array([trial.number for trial, _ in scored], np.float64)
    errors = np.array([error for _, error in scored])
    traces = [
        line("least so far", numbers, np.minimum.accumulate(errors), "--model", width=2)
        | {"line": {"color": "--model", "width": 2, "shape": "hv"}},
        line("trial", numbers, errors, "--actual", mode="markers") | {"text": _names(scored), "hoverinfo": "text+y"},
    ]
    naive = record.trial(record.default).attempts[0].naive.get(record.measure)
    if naive and naive < 1.5 * errors.max():
        traces.append(line("naive", numbers, np.full(len(numbers), naive), "--naive", dash="dash", width=1.2))
    return figure(traces, xaxis=titled("trial"), yaxis=titled(_error(record)), hovermode="closest")


def parallel(record: StudyRecord) -> Figure:
    """A line a trial through its options, each from its least to its greatest value; the best stand out."""
    scored = sorted(_scored(record), key=lambda each: -each[1])[-_LINES:]
    untuned, names = record.config.flat(), list(record.tried)
    columns = {name: [trial.options.get(name, untuned[name]) for trial, _ in scored] for name in names}
    heights = {name: _heights(values) for name, values in columns.items()}
    ranks = np.argsort(np.argsort([error for _, error in scored]))
    traces = []
    for place, (trial, error) in enumerate(scored):
        best = trial.number == record.best
        share = ranks[place] / max(1, len(scored) - 1)
        color = "--model" if best else ("--other-0" if share < 0.25 else "--other-2")
        each = line(f"trial {trial.number}", np.arange(len(names)), [heights[name][place] for name in names], color)
        each |= {"x": [_plain(name) for name in names], "hoverinfo": "text", "showlegend": False}
        each |= {"text": _plain(f"{trial.number}: {trial.told()}, {error:.4f}"), "opacity": 1 if best else 0.45}
        each["line"] |= {"width": 3 if best else 1.2}
        traces.append(each)
    notes = [
        {"x": place, "y": at, "text": _plain(shown_value(value)), "showarrow": False, "xanchor": "left", "xshift": 5,
         "font": {"size": 10, "color": "--soft"}}
        for place, name in enumerate(names)
        for value, at in dict(zip(columns[name], heights[name], strict=True)).items()
        if len(set(columns[name])) <= 6 or at in (0, 1)
    ]  # fmt: skip
    hidden = {"visible": False, "range": [-0.08, 1.08]}
    return figure(traces, xaxis={"type": "category"}, yaxis=hidden, annotations=notes, hovermode="closest")


def importance(record: StudyRecord) -> Figure:
    """Which share of the differences between errors each option explains."""
    found = importance_of(record)
    shares = [100 * share for share in found.values()]
    return figure(
        [bars("share", [_plain(name) for name in found], shares, "--model")],
        xaxis={"type": "category"},
        yaxis=titled("% of the spread", ticksuffix=" %"),
        bargap=max(0.3, 1 - 0.12 * len(found)),
    )


def cost(record: StudyRecord) -> Figure:
    """Error against seconds of training; trials that no other beats in both are joined."""
    scored = _scored(record)
    seconds = np.array([trial.seconds for trial, _ in scored])
    errors = np.array([error for _, error in scored])
    order = np.lexsort((errors, seconds))
    least = np.minimum.accumulate(errors[order])
    front = order[np.flatnonzero(np.diff(least, prepend=np.inf) < 0)]
    best = next(place for place, (trial, _) in enumerate(scored) if trial.number == record.best)
    ring = {"color": "--model", "size": 12, "symbol": "circle-open", "line": {"width": 2.5}}
    traces = [
        line("least error", seconds[front], errors[front], "--other-0", dash="dot", width=1.4),
        line("trial", seconds, errors, "--actual", mode="markers") | {"text": _names(scored), "hoverinfo": "text+x+y"},
        line("winner", seconds[[best]], errors[[best]], "--model", mode="markers") | {"marker": ring},
    ]
    return figure(traces, xaxis=titled("seconds"), yaxis=titled(_error(record)), hovermode="closest")


def sparkline(curve: Curve) -> str:
    """Training and validation losses, small, as SVG."""
    width, height = 150, 46
    both = [np.array(each, np.float64) for each in (curve.loss, curve.val_loss)]
    low, high = min(each.min() for each in both), max(each.max() for each in both)
    logged = low > 0 and high > 20 * low
    if logged:
        both, low, high = [np.log(each) for each in both], np.log(low), np.log(high)
    span = (high - low) or 1.0
    lines = "".join(
        f'<polyline fill="none" stroke="var({color})" stroke-width="1.6" points="{_points(each, low, span)}"/>'
        for each, color in zip(both, ("--actual", "--model"), strict=True)
    )
    told = f"training {curve.loss[0]:.3g} to {curve.loss[-1]:.3g}, validation {curve.val_loss[0]:.3g} to "
    told += f"{curve.val_loss[-1]:.3g} in {len(curve.loss)} epochs"
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{html.escape(told)}"><title>{html.escape(told)}</title>{lines}</svg>'
    )


def _points(values: np.ndarray, low: float, span: float) -> str:
    kept = np.unique(np.linspace(0, len(values) - 1, min(len(values), 75)).astype(int))
    across = 3 + 144 * kept / max(1, len(values) - 1)
    down = 43 - 40 * (values[kept] - low) / span
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))


def _scored(record: StudyRecord) -> list[tuple[Trial, float]]:
    return [(trial, error) for trial in record.trials if (error := trial.error(record.measure)) is not None]


def _names(scored: Sequence[tuple[Trial, float]]) -> list[str]:
    return [_plain(f"{trial.number}: {trial.told()}") for trial, _ in scored]


def _heights(values: Sequence[Any]) -> list[float]:
    """Places of values from 0 to 1: of numbers evenly by rank where few, else by size."""
    numbers = all(isinstance(value, int | float) for value in values)
    ordered = sorted(set(values)) if numbers else list(dict.fromkeys(map(str, values)))
    if numbers and len(ordered) > 6:
        low, high = float(ordered[0]), float(ordered[-1])
        if low > 0 and high >= 20 * low:
            return [float(np.log(value / low) / np.log(high / low)) for value in values]
        return [(float(value) - low) / (high - low) for value in values]
    return [ordered.index(value if numbers else str(value)) / max(1, len(ordered) - 1) for value in values]


def _error(record: StudyRecord) -> str:
    return f"{record.measure.upper()} on validation"


def _plain(text: str) -> str:
    return html.escape(printable(text), quote=False)
