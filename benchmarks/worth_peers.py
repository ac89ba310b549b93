"""What `worth.py` runs in the peers' environment: forecasts of statsforecast and neuralforecast, written as arrays.

    python worth_peers.py FOLDER OUT SET PEER [--earlier]

Prints the seconds of training and forecasting; `OUT` gets `points (N, origins, H)`, `quantiles (N, origins, H, K)`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from worth_sets import LEVELS, SETS, Set, table

STATISTICAL = ("AutoETS", "AutoARIMA", "AutoTheta", "MSTL")
STEPS = {"LSTM": 300, "NHITS": 500, "PatchTST": 200}  # at most: early stopping may end before
WINDOWS = {"h": 168, "MS": 24, "QS": 16, "W-MON": 104, "W-SAT": 104}  # rows that a network sees, by the step of dates
INTERVALS = [50, 80, 95]


def main() -> None:
    """Forecast one set with one peer."""
    folder, out, name, peer = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    frame, found = table(name, folder, earlier="--earlier" in sys.argv), SETS[name]
    began = time.perf_counter()
    forecasts = statistical(frame, found, peer) if peer in STATISTICAL else neural(frame, found, peer)
    seconds = time.perf_counter() - began
    points, quantiles = arrays(forecasts, found, peer)
    np.savez(out, points=points, quantiles=quantiles)
    print(json.dumps({"seconds": round(seconds, 1)}))


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


def neural(frame: pd.DataFrame, found: Set, peer: str) -> pd.DataFrame:
    """Trained once before the test part, stopped by the rows before that, as many as it has."""
    import logging

    import neuralforecast.models
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    options: dict[str, Any] = {"scaler_type": "robust" if peer == "LSTM" else "standard"}
    if peer == "PatchTST":
        options |= {"windows_batch_size": 256, "hidden_size": 64, "n_heads": 4, "linear_hidden_size": 128}
    model = getattr(neuralforecast.models, peer)(
        h=found.horizon,
        input_size=WINDOWS[found.step],
        loss=MQLoss(level=INTERVALS),
        max_steps=STEPS[peer],
        val_check_steps=50,
        early_stop_patience_steps=5,
        random_seed=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **options,
    )
    runner = NeuralForecast(models=[model], freq=found.step)
    return runner.cross_validation(
        df=frame[["unique_id", "ds", "y"]],
        n_windows=found.origins,
        step_size=found.horizon,
        val_size=found.test_rows,
    )


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
