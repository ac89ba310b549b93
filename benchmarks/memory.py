"""Memory of training on five million rows, above that of the same process on five thousand.

    python benchmarks/memory.py [--rows 5000000] [--series 1] [--python jax=/path/to/python ...]

A series of integer steps, or a panel of so many of daily rows, is split, scaled and cut into windows, and the reference
network trained for one epoch of 100 steps and validated, each size in a process of its own. Printed: the peak of
resident memory, and the difference in sizes of the rows in float32.
"""

from __future__ import annotations

import json
import resource
import sys

import numpy as np
from contest import Contestant, interpreters, parser, serve

SMALL = 5_000


def peak(size: tuple[int, int]) -> int:
    """The most bytes this process has held once it has trained on so many rows of so many series."""
    rows, series = size
    from kerasforecast.runtime.memory import one_arena

    one_arena()  # as the command does, before a backend starts its threads
    import pandas as pd

    from kerasforecast.config import Config
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.models.network import build, initialise
    from kerasforecast.preprocessing.fit_scaling import fit_scaling
    from kerasforecast.preprocessing.split import PARTS, split_panel
    from kerasforecast.preprocessing.windows import windows_of
    from kerasforecast.training.train import train

    config = Config.from_options(epochs=1, steps_per_epoch=100)
    random = np.random.default_rng(0)
    prices = 100 * np.exp(np.cumsum(1e-4 * random.normal(size=rows).astype(np.float32)))
    if series == 1:
        panel = Panel.of(Series(prices[:, None], pd.RangeIndex(rows), ("price",)))
    else:
        each = rows // series
        panel = Panel(
            values=prices[: each * series, None],
            index=pd.DatetimeIndex(np.tile(pd.date_range("2020-01-01", periods=each).to_numpy(), series)),
            starts=np.arange(series + 1) * each,
            ids=np.arange(series).astype(str),
            columns=("price",),
            roles=("target",),
            observed=np.full(series, each),
            key="shop",
            frequency="D",
        )
    del prices
    split = split_panel(panel, config.split, config.network)
    train_rows, starts = split.training_rows(panel)
    scaling = fit_scaling(config.network.scaling, train_rows, panel.columns, starts=starts)
    del train_rows
    network = build(config.network, scaling, "training")
    initialise(network, config.network, 0)
    training, validation = (
        windows_of(panel, split.origins(part), split.window, split.horizon).training_set(scaling) for part in PARTS[:2]
    )
    train(network, training, validation, config.training)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--series", type=int, default=1)
    arguments = options.parse_args()
    if arguments.serve:
        serve(peak)
        return
    for backend, python in interpreters(arguments.python).items():
        peaks = []
        for rows, series in ((SMALL, min(arguments.series, SMALL // 100)), (arguments.rows, arguments.series)):
            contestant = Contestant(__file__, backend, python, backend)
            peaks.append(contestant.ask((rows, series)))
            contestant.close()
        more = peaks[1] - peaks[0]
        print(
            json.dumps({"backend": backend, "peaks_mb": [p / 1e6 for p in peaks], "sizes": more / (4 * arguments.rows)})
        )


if __name__ == "__main__":
    main()
