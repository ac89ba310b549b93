"""What `worth.py` runs in the peers' environment: forecasts of statsforecast and neuralforecast, written as arrays.

    python worth_peers.py FOLDER OUT SET PEER [--earlier] [--steps 500 --batch 128]

Prints the seconds in all, and of a network those of its training; `OUT` gets `points (N, origins, H)`, `quantiles
(N, origins, H, K)`. With `--steps` a network is trained for so many steps of `--batch` windows on the mean absolute
error, and nothing ends it before: its quantiles are then its points.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from worth_sets import LEVELS, SETS, WINDOWS, Set, table

STATISTICAL = ("AutoETS", "AutoARIMA", "AutoTheta", "MSTL")
STEPS = {"LSTM": 300, "PatchTST": 200}  # at most, where not 500: early stopping may end before
OPTIONS: dict[str, dict[str, Any]] = {  # where windows are not standardised, or a default suits a benchmark's data
    "LSTM": {"scaler_type": "robust"},
    "NLinear": {"scaler_type": "identity", "learning_rate": 1e-3},  # it takes the last value off; 1e-4 asks for 5,000
    "DLinear": {"learning_rate": 1e-3},
    "PatchTST": {"hidden_size": 64, "n_heads": 4, "linear_hidden_size": 128},
}
INTERVALS = [50, 80, 95]


def main() -> None:
    """Forecast one set with one peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("peer")
    parser.add_argument("--earlier", action="count", default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=128)
    asked = parser.parse_args()
    frame, found = table(asked.set, asked.folder, earlier=asked.earlier), SETS[asked.set]
    began = time.perf_counter()
    if asked.peer in STATISTICAL:
        forecasts, seconds = statistical(frame, found, asked.peer), {}
    else:
        work = alike(asked.steps, asked.batch) if asked.steps else usual(asked.peer)
        forecasts, training = neural(frame, found, asked.peer, work)
        seconds = {"training": round(training, 2)}
    seconds["seconds"] = round(time.perf_counter() - began, 1)
    points, quantiles = arrays(forecasts, found, asked.peer)
    np.savez(asked.out, points=points, quantiles=quantiles)
    print(json.dumps(seconds))


def statistical(frame: pd.DataFrame, found: Set, peer: str) -> pd.DataFrame:
    """Fitted once at the start of the test part, the state carried on from origin to origin."""
    import statsforecast.models
    from statsforecast import StatsForecast

    seasons = [found.period, found.season] if found.season > found.period else found.season
    season = seasons if peer == "MSTL" else found.period
    model = getattr(statsforecast.models, peer)(season_length=season)
    runner = StatsForecast(models=[model], freq=found.step, n_jobs=1)
    return runner.cross_validation(
        df=frame[["unique_id", "ds", "y"]],
        h=found.horizon,
        step_size=found.horizon,
        n_windows=found.origins,
        level=INTERVALS,
        refit=False,
    )


def usual(peer: str) -> dict[str, Any]:
    """How a network is trained to be as good as it can: on quantiles, stopped by validation."""
    from neuralforecast.losses.pytorch import MQLoss

    options = {"windows_batch_size": 256} if peer == "PatchTST" else {}
    loss = MQLoss(level=INTERVALS)
    return {"loss": loss, "max_steps": STEPS.get(peer, 500), "early_stop_patience_steps": 5, **options}


def alike(steps: int, batch: int) -> dict[str, Any]:
    """How it is trained to be set beside another: for the same steps of the same size."""
    from neuralforecast.losses.pytorch import MAE

    return {"loss": MAE(), "max_steps": steps, "windows_batch_size": batch}


def neural(frame: pd.DataFrame, found: Set, peer: str, work: dict[str, Any]) -> tuple[pd.DataFrame, float]:
    """Trained once before the test part, watched by as many rows before that; and the seconds of its training."""
    import logging

    import neuralforecast.models
    from neuralforecast import NeuralForecast

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    seconds: list[float] = []
    model = _timed(getattr(neuralforecast.models, peer), seconds)(
        h=found.horizon,
        input_size=WINDOWS[found.step],
        val_check_steps=50,
        random_seed=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **{"scaler_type": "standard"} | OPTIONS.get(peer, {}) | work,
    )
    runner = NeuralForecast(models=[model], freq=found.step)
    forecasts = runner.cross_validation(
        df=frame[["unique_id", "ds", "y"]],
        n_windows=found.origins,
        step_size=found.horizon,
        val_size=found.test_rows,
    )
    return forecasts, sum(seconds)


def _timed(kind: Any, seconds: list[float]) -> Any:
    """The same class of networks, which notes how long its training takes."""

    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return kind.fit(self, *args, **kwargs)
        finally:
            seconds.append(time.perf_counter() - began)

    return type(kind.__name__, (kind,), {"fit": fit})


def arrays(forecasts: pd.DataFrame, found: Set, peer: str) -> tuple[np.ndarray, np.ndarray]:
    """The table of a cross-validation as points and quantiles."""
    forecasts = forecasts.reset_index() if "unique_id" not in forecasts else forecasts
    forecasts = forecasts.sort_values(["unique_id", "cutoff", "ds"])
    names = {level: f"{'lo' if level < 0.5 else 'hi'}-{abs(2 * level - 1) * 100:.0f}" for level in LEVELS}

    def column(level: float) -> str:
        found = [each for each in forecasts if each.startswith(f"{peer}-{names[level]}")]
        return (
            found[0] if level != 0.5 and found else next(each for each in (f"{peer}-median", peer) if each in forecasts)
        )

    shape = (-1, found.origins, found.horizon)
    quantiles = np.stack([forecasts[column(level)].to_numpy(float).reshape(shape) for level in LEVELS], axis=-1)
    return quantiles[..., LEVELS.index(0.5)], np.sort(quantiles, axis=-1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
