"""From data to a trained, scored model: one readable line per step."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from kerasforecast.backend import provenance
from kerasforecast.callbacks import Epoch
from kerasforecast.config import Config
from kerasforecast.data.load import load_series
from kerasforecast.data.series import Series
from kerasforecast.errors import DivergedError, StoppedError, Terminated
from kerasforecast.evaluation import Evaluation, evaluate_windows
from kerasforecast.exporter import Exporter
from kerasforecast.files import atomic_write, json_text
from kerasforecast.forecasting import Predictor
from kerasforecast.manifest import DataRecord, Manifest, Metrics, Parameters, PartRecord, TestScores, TrainingRecord
from kerasforecast.model import Model
from kerasforecast.models import build, initialise, merged_weights
from kerasforecast.scaling import FittedScaling, fit_scaling
from kerasforecast.shapes import check_size
from kerasforecast.split import PARTS, Split, split_series
from kerasforecast.training import History, train
from kerasforecast.windows import windows_of


def fit(
    config: Config,
    frame: pd.DataFrame | pd.Series | Series | None = None,
    *,
    name: str | None = None,
    checkpoint: Path | None = None,
    on_start: Callable[[Series, Split, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Model:
    """Train a model and score it on the test part.

    Args:
        config: Every option.
        frame: The data itself, in place of `config.data`'s source.
        name: The model's name; the series' own where `None`.
        checkpoint: Where to keep the best model so far as a complete model file while training.
        on_start: Called with the series, its split and the number of trained parameters before the first epoch.
        on_epoch: Called after every epoch.

    Raises:
        InputError: The data or an option is wrong.
        DivergedError: The loss stopped being a number; the checkpoint, if any, holds the last good model.
        StoppedError: A signal ended training; the checkpoint holds the best model so far.
    """
    series = frame if isinstance(frame, Series) else load(config, frame)
    split = split_series(series, config.split, config.network)
    scaling = fit_scaling(config.network.scaling, series.values[: split.train_end], series.columns)
    scaling.check(series)
    check_size(config.network, len(series.columns), scaling.channels)
    parts = {part: windows_of(series, split.origins(part), split.window, split.horizon) for part in PARTS}
    network = build(config.network, scaling, "training", config.training.seed)
    initialise(network, config.network, config.training.seed)
    if on_start:
        on_start(series, split, network.count_params())

    window = parts["train"].inputs(slice(0, 1))[0]
    recorder = _Recorder(name or series.name, config, series, split, scaling, network, window, checkpoint)
    started = time.perf_counter()
    try:
        history = train(
            network,
            scaling,
            parts["train"],
            parts["validation"],
            config.training,
            on_epoch=on_epoch,
            on_best=recorder.keep if checkpoint else None,
        )
    except DivergedError as error:
        raise DivergedError(f"{error} {recorder.kept}") from None
    except KeyboardInterrupt as interrupt:
        if checkpoint is None:
            raise
        number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
        raise StoppedError(f"Training was stopped. {recorder.kept}", signal_number=number) from None

    weights = merged_weights(network)
    predictor = Predictor(config.network, scaling, weights)
    test = evaluate_windows(predictor, parts["test"])
    record = _training_record(history, time.perf_counter() - started)
    manifest = recorder.manifest(weights, record, metrics_of(test, series.target))
    return Model(manifest, weights, series=series, history=history, test=test, exporter=recorder.exporter)


def load(config: Config, frame: pd.DataFrame | pd.Series | None = None) -> Series:
    """The series `config` asks for.

    Raises:
        DataError: It cannot be had, or holds values that the scaling cannot take.
    """
    return load_series(config.data, frame, positive_prices=config.network.wants_logs)


def metrics_of(test: Evaluation, target: str) -> Metrics:
    """The content of `metrics.json`, which the manifest holds too."""
    return Metrics(target=target, test=TestScores(**test.scores), verdict=test.verdict)


def write_run(model: Model, folder: Path, name: str) -> dict[str, Path]:
    """Write what a fit produced; the model file last, so that it never stands beside another run's scores.

    Returns:
        The paths by what they hold: `model`, `metrics`, `history`, `test_forecasts`.
    """
    if model.test is None or model.history is None or model.manifest.metrics is None:
        raise ValueError("Only a model that was just trained has a run to write.")
    paths = {
        "metrics": folder / name / "metrics.json",
        "history": folder / name / "history.csv",
        "test_forecasts": folder / name / "test_forecasts.csv",
    }
    history = pd.DataFrame([asdict(epoch) for epoch in model.history.epochs])
    atomic_write(paths["metrics"], json_text(model.manifest.metrics.model_dump(mode="json")).encode())
    atomic_write(paths["history"], history.to_csv(index=False).encode())
    atomic_write(paths["test_forecasts"], model.test.table.to_csv(index=False).encode())
    return paths | {"model": model.save(folder / f"{name}.keras")}


class _Recorder:
    """Knows everything of a run that does not change while it trains, and writes the checkpoint."""

    def __init__(
        self,
        name: str,
        config: Config,
        series: Series,
        split: Split,
        scaling: FittedScaling,
        network: keras.Model,
        window: np.ndarray,
        checkpoint: Path | None,
    ) -> None:
        self._checkpoint = checkpoint
        self.exporter = Exporter(config.network, scaling)
        self._window = window
        self._epoch: Epoch | None = None
        self._facts = {
            "name": name,
            "config": config,
            "columns": series.columns,
            "scaling": scaling,
            "data": _data_record(series, split),
        }
        self._trained = network.count_params()

    @property
    def kept(self) -> str:
        """Where the best model so far is, as a sentence."""
        if self._epoch is None:
            return "No epoch had finished; no model was kept."
        if self._checkpoint is None:
            return f"Epoch {self._epoch.epoch} was the best so far."
        return (
            f"The best model so far (epoch {self._epoch.epoch}, validation loss {self._epoch.val_loss:.4f}) "
            f"is {self._checkpoint}."
        )

    def keep(self, network: keras.Model, epoch: Epoch) -> None:
        """Write the network as the checkpoint."""
        weights = merged_weights(network)
        record = TrainingRecord(
            epochs=epoch.epoch,
            best_epoch=epoch.epoch,
            best_loss=epoch.loss,
            best_val_loss=epoch.val_loss,
            stopped_early=False,
            complete=False,
            seconds=epoch.seconds,
        )
        if self._checkpoint is not None:
            self.exporter.write(self._checkpoint, self.manifest(weights, record, None), weights)
        self._epoch = epoch

    def manifest(self, weights: list[np.ndarray], training: TrainingRecord, metrics: Metrics | None) -> Manifest:
        """The manifest of a model with these weights."""
        return Manifest(
            **self._facts,
            **provenance(keras.backend.backend()),
            parameters=Parameters(trained=self._trained, saved=sum(array.size for array in weights)),
            golden=self.exporter.golden(self._window, weights),
            training=training,
            metrics=metrics,
        )


def _training_record(history: History, seconds: float) -> TrainingRecord:
    return TrainingRecord(
        epochs=len(history.epochs),
        best_epoch=history.best_epoch,
        best_loss=history.best.loss,
        best_val_loss=history.best.val_loss,
        stopped_early=history.stopped_early,
        complete=True,
        seconds=round(seconds, 3),
    )


def _data_record(series: Series, split: Split) -> DataRecord:
    def stamp(row: int) -> str | int:
        return series.index[row].isoformat().removesuffix("T00:00:00") if series.dated else int(series.index[row])

    parts = {
        part: PartRecord(
            rows=len(rows), windows=len(split.origins(part)), start=stamp(rows.start), end=stamp(rows.stop - 1)
        )
        for part in PARTS
        for rows in [split.rows_of(part)]
    }
    return DataRecord(
        source=series.source.kind,
        location=series.source.location,
        snapshot=series.source.sha256,
        retrieved=series.source.retrieved,
        rows=len(series),
        start=stamp(0),
        end=stamp(-1),
        frequency=series.frequency,
        calendar=series.calendar,
        sha256=series.sha256,
        split=parts,
    )
