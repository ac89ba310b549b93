"""Seconds and memory of forecasting many series at once: they must grow with the series, and no faster.

    python benchmarks/panels.py [--series 300,3000,30000] [--python jax=/path/to/python ...]

A small network learns 300 monthly series of 60 rows, and forecasts 12 steps of panels of each size in one call, with
intervals, each size in a process of its own. Printed: seconds of the second call, and the peak of resident memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np
from contest import Contestant, interpreters, parser, serve

ROWS, LEARNED, STEPS = 60, 300, 12


def panel_of(series: int) -> Any:
    """So many monthly series with a season, of sizes that differ."""
    import pandas as pd

    from kerasforecast.data.panel import Panel

    random = np.random.default_rng(0)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(ROWS) / 12)
    values = np.exp(random.normal(4, 1, size=(series, 1))) * season * np.exp(0.1 * random.normal(size=(series, ROWS)))
    months = pd.date_range("2020-01-01", periods=ROWS, freq="MS")
    return Panel(
        values=values.reshape(-1, 1),
        index=pd.DatetimeIndex(np.tile(months.to_numpy(), series)),
        starts=np.arange(series + 1) * ROWS,
        ids=np.array([f"shop {place}" for place in range(series)]),
        columns=("sales",),
        roles=("target",),
        observed=np.full(series, ROWS),
        key="shop",
        frequency="MS",
    )


def forecast(series: int) -> dict[str, float]:
    """What one call for so many series takes, once everything is compiled."""
    import kerasforecast as kf

    model = kf.fit(
        panel_of(LEARNED), window=24, horizon=STEPS, units=16, layers=1, epochs=1, final="none", progress=False
    )
    panel, seconds = panel_of(series), []
    for _ in range(2):
        began = time.perf_counter()
        model.forecast(STEPS, panel)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": round(seconds[1], 3), "peak_mb": round(peak / 1e6)}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--series", default="300,3000,30000")
    arguments = options.parse_args()
    if arguments.serve:
        serve(forecast)
        return
    for backend, python in interpreters(arguments.python).items():
        for series in map(int, arguments.series.split(",")):
            contestant = Contestant(__file__, backend, python, backend)
            print(json.dumps({"backend": backend, "series": series, **contestant.ask(series)}))
            contestant.close()


if __name__ == "__main__":
    main()
