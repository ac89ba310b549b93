"""What a fit does on the machine and its disk: the backend, the lock, what is resumed, what is written."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasforecast.api.naming import default_model_name
from kerasforecast.api.request import FitRequest, check_request, check_spread
from kerasforecast.config import Config
from kerasforecast.errors import OptionError
from kerasforecast.runtime.backend import Choice, load_quietly
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.files import check_writable
from kerasforecast.runtime.locks import locked
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import executor
from kerasforecast.training.checkpoint import STATES, Generation, newest, resumed_config

if TYPE_CHECKING:
    from kerasforecast.artifact.parent import How, Parent
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.data.table.given import Given
    from kerasforecast.model import Model
    from kerasforecast.training.run import Run


def carry_out(request: FitRequest) -> Model:
    """Train the model asked for and write what is to be written.

    What can be wrong is refused as early as it can be known: an option before the backend, the data before Keras.
    """
    check_request(request)
    name = request.resume or request.name
    resumed = _resumed(request)
    parent = _parent(request, resumed)
    config = _config(request, resumed, parent)
    machine = _machine(request, resumed)
    choice = activate_for_training(
        machine["backend"], machine["threads"], deterministic=bool(machine["deterministic"]), seed=config.training.seed
    )
    check_spread(request, config, choice.name, machine.get("devices"))
    if request.output_dir is not None:
        check_writable(request.output_dir)
    panel = panel_of(config, request.frame, resumed)
    notes: list[str] = []
    if parent:
        from kerasforecast.api.parents import checked_panel, moved_on

        panel = checked_panel(parent, panel)
        if parent.how == "update" and not resumed:
            config, notes = moved_on(parent, config, panel, request.options)
    if request.output_dir is not None:
        name = name or default_model_name(panel, request.output_dir)
    load_quietly()
    if request.output_dir is None or name is None:
        return _trained(request, config, choice, panel, name, None, parent, notes, machine)

    from kerasforecast.pipeline import write_run
    from kerasforecast.training.run import Run

    run = Run(request.output_dir / name, request.checkpoint_every, machine | {"backend": choice.name}, resumed)
    with locked(run.folder):
        model = _trained(request, config, choice, panel, name, run, parent, notes, machine)
        with Deferred():
            model.files = write_run(model, request.output_dir, name)
            run.clear()
    return model


def _parent(request: FitRequest, resumed: Generation | None) -> Parent | None:
    """The model to start from; of a resumed run the one that it started from.

    Raises:
        OptionError: A resumed run's is not at hand, or its options are given as others.
    """
    known: dict[str, Any] = resumed.facts["run"].get("parent", {}) if resumed else {}
    source = request.init_from if request.init_from is not None else request.update
    if source is None and not known:
        return None
    from kerasforecast.api.parents import parent_of  # reads files: whoever asked for none need not wait

    how: How = "update" if request.update is not None else "init-from"
    if resumed is None:
        return None if source is None else parent_of(source, how, request.freeze, request.require_better)
    if not known:
        if source is not None:
            raise OptionError(
                f"--resume goes on with the same options and data. Received: --{how}, with which that run did not "
                "begin. Leave it out."
            )
        return None
    if source is None and known["file"] is None:
        raise OptionError(
            f"--resume needs the model that the run started from, which was no file. Received: none. "
            f"Give it as {known['how'].replace('-', '_')}=."
        )
    source = source if source is not None else Path(known["file"])
    freeze, alpha = request.freeze or tuple(known["freeze"]), request.require_better or known["require_better"]
    return parent_of(source, known["how"] if request.init_from is None else how, freeze, alpha)


def _config(request: FitRequest, resumed: Generation | None, parent: Parent | None) -> Config:
    if resumed:
        return resumed_config(resumed, request.options)
    if parent is None:
        return Config.from_options(**request.options)
    from kerasforecast.api.parents import inherited

    return inherited(parent, request.options)


def _resumed(request: FitRequest) -> Generation | None:
    if request.resume is None or request.output_dir is None:
        return None
    return newest(request.output_dir / request.resume / STATES)


def _machine(request: FitRequest, resumed: Generation | None) -> dict[str, Any]:
    """What the numbers depend on besides options and data; of a resumed run, where it is not given again."""
    names = ("backend", "threads", "deterministic", "devices")
    machine = {name: getattr(request, name) for name in names}
    if resumed:
        machine = {key: value or resumed.facts["run"]["machine"].get(key) for key, value in machine.items()}
    devices = machine.pop("devices")
    return machine | ({"devices": devices} if devices else {})


def panel_of(
    config: Config,
    frame: Given | Panel | Series | None,
    resumed: Generation | None = None,
    inherited: Collection[str] = (),
    *,
    trains: bool = True,
) -> Panel:
    """The data: as it was given, or read from where `config` says; of a resumed run, the very prices it began with.

    Args:
        config: Options of the data, and of the network that is to learn from it.
        frame: The data, where it is at hand.
        resumed: The run to go on with.
        inherited: Fields of `config.data` that a trained model has, and that name columns which this table may lack.
        trains: Whether a network is to learn from it: those that are trained say themselves what they cannot take.
    """
    from kerasforecast.data.load import load_panel
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series

    if isinstance(frame, Panel | Series):
        return Panel.of(frame)
    pinned = {"snapshot": resumed.facts["snapshot"]} if resumed and config.data.ticker else {}
    data = config.data.model_copy(update=pinned)
    logs = trains and config.network.wants_logs
    return load_panel(data, frame, positive_prices=logs, inherited=inherited)


def ready_panel(
    config: Config, frame: Given | Panel | Series | None, inherited: Collection[str] = (), *, trains: bool = True
) -> tuple[Panel, Config, str | None]:
    """The data of many fits, the configuration with the window that suits it, and what to say of that window."""
    from kerasforecast.baselines.classical import require_extra
    from kerasforecast.evaluation.context import with_window

    panel = panel_of(config, frame, inherited=inherited, trains=trains)
    require_extra(config, panel)
    return panel, *with_window(config, panel)


def _trained(
    request: FitRequest,
    config: Config,
    choice: Choice,
    panel: Panel,
    name: str | None,
    run: Run | None,
    parent: Parent | None,
    notes: list[str],
    machine: dict[str, Any],
) -> Model:
    from kerasforecast.api.progress import Progress
    from kerasforecast.pipeline import fit
    from kerasforecast.training.callbacks import tensorboard
    from kerasforecast.training.devices import spread_over

    callbacks = list(request.callbacks)
    if request.tensorboard is not None:
        callbacks.append(tensorboard(request.tensorboard))
    with contextlib.ExitStack() as during:
        progress = during.enter_context(Progress(config, choice, request.progress))
        during.enter_context(spread_over(machine.get("devices")))
        for note in notes:
            progress.note(note)
        workers = None
        if request.ray is not None:
            workers = during.enter_context(executor(request.ray, choice.name, request.threads))
            progress.note(f"Ray: {workers.workers} networks at once.")
        return fit(
            config,
            panel,
            name=name,
            run=run,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_note=progress.note,
            callbacks=callbacks,
            parent=parent,
            workers=workers,
        )
