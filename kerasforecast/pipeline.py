"""From data to a trained, scored model: one readable line per step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from kerasforecast.artifact.recorder import Recorder
from kerasforecast.artifact.records import (
    LONGEST_HISTORY,
    DiagnosisRecord,
    EpochRecord,
    Metrics,
    TestScores,
    TrainingRecord,
)
from kerasforecast.baselines.classical import classical_forecasts, require_extra
from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.calendar_columns import held_beyond
from kerasforecast.data.load import load_panel
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import KerasForecastError, StoppedError
from kerasforecast.evaluation.evaluation import Evaluation, evaluate_windows, scored_windows
from kerasforecast.forecasting.adaptive import adapted_after
from kerasforecast.forecasting.fitting import Fitting, Trained, scaled_member, training_sets
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.levels import within_validation
from kerasforecast.model import Model
from kerasforecast.models.limits import check_size
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.suitability import fit_notes
from kerasforecast.report import write_fit, write_fit_report
from kerasforecast.runtime.backend import out_of_memory
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training.callbacks import Callbacks, Epoch
from kerasforecast.training.diagnosis import diagnose
from kerasforecast.training.naive_loss import naive_loss
from kerasforecast.training.run import Run
from kerasforecast.training.train import History


def fit(
    config: Config,
    frame: pd.DataFrame | pd.Series | Panel | Series | None = None,
    *,
    name: str | None = None,
    run: Run | None = None,
    on_start: Callable[[Panel, Split, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    callbacks: Callbacks = (),
) -> Model:
    """Train a model and score it on the test part.

    Args:
        config: Every option.
        frame: The data itself, in place of `config.data`'s source.
        name: The model's name; the panel's own where `None`.
        run: Where to keep the best model so far and the state while training; also what to resume.
        on_start: Called with the panel, its split and the number of trained parameters before the first epoch.
        on_epoch: Called after every epoch.
        on_note: Called with what a person should know.
        callbacks: Keras' own, which run beside ours while training.

    Raises:
        InputError: The data or an option is wrong, or not those of the run to be resumed.
        DivergedError: The loss stopped being a number; `run.model` is the last good model.
        StoppedError: A signal ended training; `run.model` is the best model so far, and the run can be resumed.
        KerasForecastError: Memory, or the disk, was too small.
    """
    panel = Panel.of(frame) if isinstance(frame, Panel | Series) else load(config, frame)
    try:
        return _fit(config, panel, name or panel.name, run, on_start, on_epoch, on_note, callbacks)
    except Exception as error:
        if not out_of_memory(error):
            raise
    half = config.training.batch_size // 2
    if half == 0 or (run and run.resumed):
        raise KerasForecastError("The machine ran out of memory. Use a smaller --batch-size or --units.")
    if on_note:
        on_note(f"Out of memory with batches of {config.training.batch_size}; starting again with {half}.")
    config = config.model_copy(update={"training": config.training.model_copy(update={"batch_size": half})})
    try:
        return _fit(config, panel, name or panel.name, run, on_start, on_epoch, on_note, callbacks)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise KerasForecastError(
            f"The machine ran out of memory with batches of {half} too. Use a smaller --batch-size or --units."
        ) from None


def _fit(
    config: Config,
    panel: Panel,
    name: str,
    run: Run | None,
    on_start: Callable[[Panel, Split, int], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
    on_note: Callable[[str], None] | None,
    callbacks: Callbacks,
) -> Model:
    require_extra(config, panel)
    split = split_panel(panel, config.split, config.network, config.steps)
    tested, checked = (scored_windows(config, panel, split, part) for part in ("test", "validation"))
    config, left_out = within_validation(config, split.windows_in("validation", config.steps))
    member = scaled_member(config.network, panel, split)
    check_size([member])
    baselines = learn_baselines(config, panel, split)
    training, validation = training_sets(member, panel, split)
    fitting = Fitting(member, config.training, training, validation)
    windows = training.batch(np.array([0, len(training) - 1]))
    trained = fitting.network.count_params()
    recorder = Recorder(name, config, panel, split, member, trained, windows, run)
    if on_start:
        on_start(panel, split, trained)
    if on_note:
        said = fit_notes(member.scaling, panel, *split.training_rows(panel))
        said += held_beyond(panel.columns, panel.calendar_columns, config.network.horizon, config.steps)
        seasons = baselines.note if config.evaluation.period is None else None
        for note in (*said, *(run.notes if run else ()), *filter(None, (seasons, left_out))):
            on_note(note)

    started = time.perf_counter() - recorder.state.seconds
    fitted = _trained(fitting, recorder, run, on_epoch, callbacks)
    history, weights = fitted.history, fitted.weights
    record = _training_record(history, time.perf_counter() - started)
    forecaster = Forecaster(fitted.predictor, config, baselines.volatility, context=split.context)
    forecaster = forecaster.calibrated(checked)
    classical = classical_forecasts(config, tested, split.edges[:, 2], baselines)
    test = evaluate_windows(forecaster, tested, baselines, classical, split)
    levels = config.network.quantiles
    naive = naive_loss(training, validation, member.scaling, config.training, levels)
    metrics = metrics_of(test, panel.target, _diagnosis(history, naive))
    manifest = recorder.manifest(
        weights,
        record,
        metrics=metrics,
        baselines=baselines,
        calibration=forecaster.calibration,
        adapted=adapted_after(tested, test.adapted),
    )
    return Model(
        manifest,
        weights,
        panel=panel,
        history=history,
        test=test,
        exporter=recorder.exporter,
        predictor=fitted.predictor,
    )


def _trained(
    fitting: Fitting,
    recorder: Recorder,
    run: Run | None,
    on_epoch: Callable[[Epoch], None] | None,
    callbacks: Callbacks,
) -> Trained:
    """Find the weights; whatever ends that early says what was kept of them."""
    with Deferred() if run else contextlib.nullcontext() as stop:
        try:
            return fitting.train(
                on_epoch=on_epoch,
                on_best=recorder.keep if run else None,
                keeping=recorder.state.keeping(stop) if stop else None,
                callbacks=callbacks,
            )
        except StoppedError as error:
            raise StoppedError(f"{error} {recorder.kept}", signal_number=error.exit_code - 128) from None
        except KerasForecastError as error:
            raise type(error)(f"{error} {recorder.kept}".strip()) from error.__cause__


def load(config: Config, frame: pd.DataFrame | pd.Series | None = None) -> Panel:
    """The panel `config` asks for.

    Raises:
        DataError: It cannot be had, or holds values that the scaling cannot take.
    """
    return load_panel(config.data, frame, positive_prices=config.network.wants_logs)


def metrics_of(test: Evaluation, target: str, diagnosis: DiagnosisRecord) -> Metrics:
    """The content of `metrics.json`, which the manifest holds too."""
    return Metrics(
        target=target,
        test=TestScores(**test.scores),
        verdict=test.verdict,
        interval_verdict=test.interval_verdict,
        diagnosis=diagnosis,
    )


def write_run(model: Model, folder: Path, name: str) -> dict[str, Path]:
    """Write what a fit produced; the model file last.

    So it never stands beside another run's scores, and an older one stays where the disk is too full for all of it.

    Returns:
        The paths by what they hold: `model`, `metrics`, `history`, `test_forecasts`, `forecast`, `report`.
    """
    finished = model.finished()
    paths = write_fit(finished, folder / name) | {"report": write_fit_report(finished, folder / name)}
    return paths | {"model": model.save(folder / f"{name}.keras")}


def _diagnosis(history: History, naive_val_loss: float | None) -> DiagnosisRecord:
    losses, val_losses = ([getattr(epoch, name) for epoch in history.epochs] for name in ("loss", "val_loss"))
    found = diagnose(losses, val_losses, naive_val_loss)
    return DiagnosisRecord(**asdict(found), naive_val_loss=naive_val_loss)


def _training_record(history: History, seconds: float) -> TrainingRecord:
    shown = len(history.epochs) <= LONGEST_HISTORY
    return TrainingRecord(
        epochs=len(history.epochs),
        best_epoch=history.best_epoch,
        best_loss=history.best.loss,
        best_val_loss=history.best.val_loss,
        stopped_early=history.stopped_early,
        complete=True,
        seconds=round(seconds, 3),
        history=tuple(EpochRecord(**asdict(epoch)) for epoch in history.epochs if shown),
    )
