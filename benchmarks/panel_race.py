"""Seconds to train one network on many series and to forecast all of them, beside neuralforecast's same network.

    python benchmarks/panel_race.py --peers PEERS/bin/python [--series 3003] [--steps 300] [--python jax=/path/python]

Monthly series of 60 to 120 rows with a season; N-HiTS of three stacks of one block of two layers, mean absolute error,
Adam at 1e-3, the same window, horizon, batch of windows, number of steps and of steps between validations; how many
parameters each has is printed. One thread or two as each chooses, unless the environment says otherwise. Every
contestant is a process of its own, asked in turn; its first fit, which compiles, is a round too.

Ours is timed twice: the training alone, and all of `fit`, which also learns and scores the baselines, intervals and
every series. neuralforecast is timed by its `fit` and `predict`. The peers' environment is as that of `worth.py`.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import numpy as np
from contest import Contestant, interpreters, paired, parser, serve

WINDOW, HORIZON, UNITS, BATCH, CHECKED = 24, 12, 512, 256, 50
PEER = "neuralforecast"


def rows_of(series: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths `(N,)`, and the values of all one after another."""
    random = np.random.default_rng(0)
    lengths = random.integers(60, 121, size=series)
    levels = np.exp(random.normal(4, 1, size=series))
    parts = []
    for length, level in zip(lengths, levels, strict=True):
        season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(length) / 12)
        parts.append(level * season * np.exp(0.1 * random.normal(size=length)))
    return lengths, np.concatenate(parts)


def table_of(series: int) -> Any:
    """The same as a table of `unique_id`, `ds`, `y`; all end in one month."""
    import pandas as pd

    lengths, values = rows_of(series)
    months = pd.date_range("2015-01-01", periods=lengths.max(), freq="MS")
    dates = np.concatenate([months[-length:].to_numpy() for length in lengths])
    ids = np.repeat([f"series {place:05d}" for place in range(series)], lengths)
    return pd.DataFrame({"unique_id": ids, "ds": dates, "y": values})


def ours(question: list[int]) -> dict[str, float]:
    """Our seconds, of so many series and steps."""
    import kerasforecast as kf

    series, steps = question
    checked = min(CHECKED, steps)
    table = table_of(series)
    began = time.perf_counter()
    model = kf.fit(
        table,
        model="nhits",
        window=WINDOW,
        horizon=HORIZON,
        units=UNITS,
        stacks=3,
        blocks=1,
        block_layers=2,
        pool=8,
        dropout=0.0,
        loss="mae",
        learning_rate=1e-3,
        batch_size=BATCH,
        steps_per_epoch=checked,
        epochs=steps // checked,
        patience=steps,
        validation_rows=HORIZON,
        test_rows=HORIZON,
        final="none",
        progress=False,
    )
    fitted = time.perf_counter()
    forecasts = model.forecast(HORIZON, table)
    done = time.perf_counter()
    assert len(forecasts) == series * HORIZON
    training = model.manifest.training
    assert training is not None
    seconds = {"train": training.seconds, "fit": fitted - began, "forecast": done - fitted}
    return seconds | {"parameters": model.manifest.parameters.trained}


def theirs(question: list[int]) -> dict[str, float]:
    """neuralforecast's, of so many series and steps."""
    import logging

    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MAE
    from neuralforecast.models import NHITS

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    series, steps = question
    table = table_of(series)
    network = NHITS(
        h=HORIZON,
        input_size=WINDOW,
        n_blocks=[1, 1, 1],
        mlp_units=[[UNITS, UNITS]],
        n_pool_kernel_size=[8, 3, 1],
        n_freq_downsample=[6, 2, 1],
        loss=MAE(),
        learning_rate=1e-3,
        max_steps=steps,
        val_check_steps=min(CHECKED, steps),
        windows_batch_size=BATCH,
        scaler_type="standard",
        random_seed=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    runner = NeuralForecast(models=[network], freq="MS")
    began = time.perf_counter()
    runner.fit(table, val_size=HORIZON)
    fitted = time.perf_counter()
    forecasts = runner.predict()
    done = time.perf_counter()
    assert len(forecasts) == series * HORIZON
    parameters = sum(each.numel() for each in network.parameters() if each.requires_grad)
    seconds = {"train": fitted - began, "fit": fitted - began, "forecast": done - fitted}
    return seconds | {"parameters": parameters}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--peers", help="the interpreter of the peers' environment")
    options.add_argument("--series", type=int, default=3_003)
    options.add_argument("--steps", type=int, default=300)
    arguments = options.parse_args()
    if arguments.serve:
        serve(theirs if arguments.serve == PEER else ours)
        return
    contestants = [
        Contestant(__file__, backend, python, backend) for backend, python in interpreters(arguments.python).items()
    ]
    if arguments.peers:
        contestants.append(Contestant(__file__, PEER, arguments.peers, "torch"))
    found: dict[str, list[dict[str, float]]] = {each.name: [] for each in contestants}
    for place in range(arguments.rounds):
        for each in contestants:
            found[each.name].append(each.ask([arguments.series, arguments.steps]))
            print(json.dumps({"round": place, "name": each.name, **found[each.name][-1]}), flush=True)
            if arguments.json:
                asked = {"series": arguments.series, "steps": arguments.steps}
                arguments.json.write_text(json.dumps(asked | {"seconds": found}, indent=1) + "\n")
    for each in contestants:
        each.close()
    for name, rounds in found.items():
        cells = []
        for what in ("train", "fit", "forecast"):
            own = [one[what] for one in rounds]
            beside = [one[what] for one in found.get(PEER, ())]
            ratio = f" ({paired(own, beside):.2f} of {PEER}'s)" if beside and name != PEER else ""
            cells.append(f"{what} {statistics.median(own):.2f} s{ratio}")
        print(f"{name}: {', '.join(cells)}")


if __name__ == "__main__":
    main()
