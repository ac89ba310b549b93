"""From data to a trained, scored model: one readable line per step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from kerasforecast.artifact.parent import Parent
from kerasforecast.artifact.recorder import Recorder
from kerasforecast.config import Config
from kerasforecast.data.load import load_panel
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import KerasForecastError, StoppedError
from kerasforecast.evaluation.leaving import Leaving, begin
from kerasforecast.forecasting.parts import Part
from kerasforecast.model import Model
from kerasforecast.preprocessing.split import Split
from kerasforecast.report import write_fit, write_fit_report
from kerasforecast.runtime.backend import out_of_memory
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import Executor
from kerasforecast.selection.choose import fit_chosen
from kerasforecast.training.callbacks import Callbacks
from kerasforecast.training.history import Epoch
from kerasforecast.training.run import Run


def fit(
    config: Config,
    frame: pd.DataFrame | pd.Series | Panel | Series | None = None,
    *,
    name: str | None = None,
    run: Run | None = None,
    on_start: Callable[[Panel, Split, int | None], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    callbacks: Callbacks = (),
    parent: Parent | None = None,
    workers: Executor | None = None,
) -> Model:
    """Train a model and score it on the test part.

    Args:
        config: Every option.
        frame: The data itself, in place of `config.data`'s source.
        name: The model's name; the panel's own where `None`.
        run: Where to keep the best model so far and the state while training; also what to resume.
        on_start: Called with the panel, its split and the number of trained parameters (`None` where networks are yet
            to be chosen) before the first epoch.
        on_epoch: Called after every epoch.
        on_note: Called with what a person should know.
        callbacks: Keras' own, which run beside ours while training.
        parent: The model whose weights it starts from.
        workers: Who trains the networks of a choice (`--model auto`), several at once; this process, where `None`.

    Raises:
        InputError: The data or an option is wrong, or not those of the run to be resumed.
        DivergedError: The loss stopped being a number; `run.model` is the last good model.
        StoppedError: A signal ended training; `run.model` is the best model so far, and the run can be resumed.
        KerasForecastError: Memory, or the disk, was too small.
    """
    panel = Panel.of(frame) if isinstance(frame, Panel | Series) else load(config, frame)
    try:
        return _fit(config, panel, name or panel.name, run, parent, on_start, on_epoch, on_note, callbacks, workers)
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
        return _fit(config, panel, name or panel.name, run, parent, on_start, on_epoch, on_note, callbacks, workers)
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
    parent: Parent | None,
    on_start: Callable[[Panel, Split, int | None], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
    on_note: Callable[[str], None] | None,
    callbacks: Callbacks,
    workers: Executor | None,
) -> Model:
    if config.network.family.chooses:
        return _fit_chosen(config, panel, name, run, on_start, on_note, workers)
    begun, fitting = begin(config, panel, name, run, parent)
    recorder = begun.recorder
    if on_start:
        on_start(panel, begun.split, fitting.trained)
    if on_note:
        for note in begun.notes(fitting.frozen):
            on_note(note)

    started = time.perf_counter() - recorder.state.seconds
    with _kept(recorder, run) as stop:
        fitted = fitting.train(
            on_epoch=on_epoch,
            on_best=recorder.keep if run else None,
            keeping=recorder.state.keeping(stop) if stop else None,
            callbacks=callbacks,
        )
    seconds = time.perf_counter() - started
    parts = [Part(begun.member, config.training, fitted, fitting.trained, fitting.steps, seconds)]
    leaving = begun.scored(parts)
    if parent and leaving.refused:
        leaving = begun.of_parent(leaving)
    elif begun.refits:
        recorder.keep_scored(leaving.manifest, leaving.weights)
        if on_note:
            on_note(f"Scored; training on all {panel.observed.sum():,} rows for {parts[0].replayed:,} steps.")
        with _kept(recorder, run) as stop:
            leaving = begun.refitted(leaving, parts, stop, kept=recorder.state if run else None)
    return model_of(leaving, panel)


def _fit_chosen(
    config: Config,
    panel: Panel,
    name: str,
    run: Run | None,
    on_start: Callable[[Panel, Split, int | None], None] | None,
    on_note: Callable[[str], None] | None,
    workers: Executor | None,
) -> Model:
    """The same of networks that are chosen on validation."""

    say = on_note or (lambda line: None)

    def started(split: Split) -> None:
        if on_start:
            on_start(panel, split, None)
        for note in run.notes if run else ():
            say(note)

    with Deferred() as stop:
        try:
            leaving = fit_chosen(config, panel, name, run, stop, say, started, workers)
        except StoppedError as error:
            on = f" --resume {name} goes on from there." if run else ""
            raise StoppedError(f"{error}{on}", signal_number=error.exit_code - 128) from None
    return model_of(leaving, panel)


def model_of(leaving: Leaving, panel: Panel) -> Model:
    """The model that leaves a fit on `panel`."""
    return Model(
        leaving.manifest,
        leaving.weights,
        panel=panel,
        history=leaving.history,
        test=leaving.test,
        exporter=leaving.exporter,
        predictor=leaving.predictor,
    )


@contextlib.contextmanager
def _kept(recorder: Recorder, run: Run | None) -> Iterator[Deferred | None]:
    """Find weights in the block; whatever ends it early says what was kept of them."""
    with Deferred() if run else contextlib.nullcontext() as stop:
        try:
            yield stop
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


def write_run(model: Model, folder: Path, name: str) -> dict[str, Path]:
    """Write what a fit produced; the model file last.

    So it never stands beside another run's scores, and an older one stays where the disk is too full for all of it.

    Returns:
        The paths by what they hold: `model`, `metrics`, `history`, `test_forecasts`, `forecast`, `report`.
    """
    finished = model.finished()
    paths = write_fit(finished, folder / name) | {"report": write_fit_report(finished, folder / name)}
    return paths | {"model": model.save(folder / f"{name}.keras")}
