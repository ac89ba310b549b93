"""The charts of many series at once, each a plotly figure made from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kerasforecast.report.traces import Figure, Values, bars, colour, figure, line, mark, timed, titled

_SIDE = 15  # bars on each side of the middle
_WIDEST = 3.0  # powers of 2 that the chart of ratios reaches to at most


def ratios(ours: np.ndarray, theirs: np.ndarray) -> tuple[Figure, bool]:
    """How many series have which ratio of `ours` `(N,)` to `theirs`, on a scale of powers of 2.

    Returns:
        The figure, and whether its outermost bars hold series that lie beyond them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.where(ours == theirs, 0.0, np.log2(ours) - np.log2(theirs))
    powers = powers[~np.isnan(powers)]
    finite = np.abs(powers[np.isfinite(powers)])
    reach = float(np.clip(np.quantile(finite, 0.99) if len(finite) else 1.0, 0.5, _WIDEST))
    # A series that is as good is not better, so it counts to the right.
    edges = np.linspace(-reach, reach, 2 * _SIDE + 1)
    place = np.clip(np.floor(np.clip(powers, -reach, reach) / reach * _SIDE).astype(int) + _SIDE, 0, 2 * _SIDE - 1)
    counts = np.bincount(place, minlength=2 * _SIDE)
    middles = (edges[:-1] + edges[1:]) / 2
    traces = []
    for name, shade, part in (("better", "--model", slice(0, _SIDE)), ("no better", "--naive", slice(_SIDE, None))):
        each = bars(name, [float(f"{middle:.5g}") for middle in middles[part]], counts[part], shade)
        shares = [f"{2**low:.2f} to {2**high:.2f}" for low, high in zip(edges[:-1][part], edges[1:][part], strict=True)]
        each |= {"width": float(edges[1] - edges[0]), "text": shares, "textposition": "none"}
        traces.append(each | {"hovertemplate": "%{text}: %{y} series"})
    ticks = [power for power in np.arange(-_WIDEST, _WIDEST + 0.5, 0.5 if reach <= 1 else 1) if abs(power) <= reach]
    xaxis = titled("MASE over the best simple forecast's")
    xaxis |= {"tickvals": ticks, "ticktext": [f"{2**power:.2g}" for power in ticks]}
    yaxis = titled("series", dtick=1 if counts.max() <= 10 else None)
    drawn = figure(traces, xaxis=xaxis, yaxis=yaxis, bargap=0, shapes=[mark(0)], hovermode="closest")
    return drawn, bool((np.abs(powers) > reach).any())


def by_date(dates: Values, errors: Mapping[str, np.ndarray]) -> Figure:
    """Mean scaled errors `(D,)` of each forecaster by date, over all series that have a forecast of it."""
    traces = [
        line(name, dates, mean, colour(name, place), most=10_000, width=1.3 if name == "naive" else 1.9)
        for place, (name, mean) in enumerate(errors.items())
    ]
    return timed(traces[::-1], yaxis=titled("mean scaled error", rangemode="tozero"))


def by_step(steps: Sequence[int], errors: Mapping[str, np.ndarray]) -> Figure:
    """Mean scaled errors `(H,)` of each forecaster by steps ahead."""
    mode = "lines+markers" if len(steps) <= 15 else "lines"
    traces = [
        line(name, np.asarray(steps), mean, colour(name, place), mode=mode)
        for place, (name, mean) in enumerate(errors.items())
    ]
    xaxis = titled("steps ahead", dtick=1 if len(steps) <= 15 else None)
    return figure(traces[::-1], xaxis=xaxis, yaxis=titled("mean scaled error", rangemode="tozero"))
