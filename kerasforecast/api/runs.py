"""What a fit does on the machine and its disk: the backend, the lock, what is resumed, what is written."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasforecast.api.naming import default_model_name
from kerasforecast.config import Config
from kerasforecast.errors import OptionError, shown, whole_number
from kerasforecast.runtime.backend import Choice, load_quietly
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.files import check_writable
from kerasforecast.runtime.locks import locked
from kerasforecast.runtime.names import safe_name
from kerasforecast.runtime.signals import Deferred
from kerasforecast.training.checkpoint import STATES, Generation, newest, resumed_config

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.data.table.given import Given
    from kerasforecast.model import Model
    from kerasforecast.training.callbacks import Callbacks
    from kerasforecast.training.run import Run


@dataclass(frozen=True)
class Request:
    """A fit as it was asked for; the fields are those arguments of `kerasforecast.fit` that are no options.

    Attributes:
        options: Those that were given.
        frame: The data itself, where it is neither a file nor a ticker.
    """

    options: dict[str, Any]
    frame: Given | Panel | Series | None
    name: str | None
    output_dir: Path | None
    resume: str | None
    checkpoint_every: int | None
    backend: str | None
    threads: int | None
    deterministic: bool
    progress: bool | None
    callbacks: Callbacks
    tensorboard: Path | None


def carry_out(request: Request) -> Model:
    """Train the model asked for and write what is to be written.

    What can be wrong is refused as early as it can be known: an option before the backend, the data before Keras.
    """
    _check(request)
    name = request.resume or request.name
    resumed = _resumed(request)
    config = resumed_config(resumed, request.options) if resumed else Config.from_options(**request.options)
    machine = _machine(request, resumed)
    choice = activate_for_training(
        machine["backend"], machine["threads"], deterministic=bool(machine["deterministic"]), seed=config.training.seed
    )
    if request.output_dir is not None:
        check_writable(request.output_dir)
    panel = panel_of(config, request.frame, resumed)
    if request.output_dir is not None:
        name = name or default_model_name(panel, request.output_dir)
    load_quietly()
    if request.output_dir is None or name is None:
        return _trained(request, config, choice, panel, name, None)

    from kerasforecast.pipeline import write_run
    from kerasforecast.training.run import Run

    run = Run(request.output_dir / name, request.checkpoint_every, machine | {"backend": choice.name}, resumed)
    with locked(run.folder):
        model = _trained(request, config, choice, panel, name, run)
        with Deferred():
            model.files = write_run(model, request.output_dir, name)
            run.clear()
    return model


def _check(request: Request) -> None:
    """Refuse what does not go together.

    Raises:
        OptionError: The name is none, or an option would have no effect.
    """
    if request.resume and request.name not in (None, request.resume):
        raise OptionError(
            f"--resume NAME names the model itself. Received: --name {shown(request.name)} too. Leave it out."
        )
    if request.checkpoint_every is not None:
        whole_number("--checkpoint-every", request.checkpoint_every)
    if (name := request.resume or request.name) is not None:
        safe_name(name)
    if request.output_dir is None and (request.resume or request.checkpoint_every):
        option = "resume" if request.resume else "checkpoint_every"
        raise OptionError(f"{option} needs the folder of the run. Received: no output_dir. Give output_dir=.")


def _resumed(request: Request) -> Generation | None:
    if request.resume is None or request.output_dir is None:
        return None
    return newest(request.output_dir / request.resume / STATES)


def _machine(request: Request, resumed: Generation | None) -> dict[str, Any]:
    """What the numbers depend on besides options and data; of a resumed run, where it is not given again."""
    machine = {"backend": request.backend, "threads": request.threads, "deterministic": request.deterministic}
    if resumed:
        machine = {key: value or resumed.facts["run"]["machine"][key] for key, value in machine.items()}
    return machine


def panel_of(config: Config, frame: Given | Panel | Series | None, resumed: Generation | None = None) -> Panel:
    """The data: as it was given, or read from where `config` says; of a resumed run, the very prices it began with."""
    from kerasforecast.data.load import load_panel
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series

    if isinstance(frame, Panel | Series):
        return Panel.of(frame)
    pinned = {"snapshot": resumed.facts["snapshot"]} if resumed and config.data.ticker else {}
    return load_panel(config.data.model_copy(update=pinned), frame, positive_prices=config.network.wants_logs)


def split_data(
    data: str | PathLike | Given | Panel | Series | None, options: dict[str, Any]
) -> tuple[Given | Panel | Series | None, dict[str, Any]]:
    """What a user gave as `data`: the rows themselves, or else the `options` with the path."""
    if isinstance(data, str | PathLike):
        return None, options | {"file": str(data)}
    return data, options


def _trained(
    request: Request, config: Config, choice: Choice, panel: Panel, name: str | None, run: Run | None
) -> Model:
    from kerasforecast.api.progress import Progress
    from kerasforecast.pipeline import fit
    from kerasforecast.training.callbacks import tensorboard

    callbacks = list(request.callbacks)
    if request.tensorboard is not None:
        callbacks.append(tensorboard(request.tensorboard))
    with Progress(config, choice, request.progress) as progress:
        return fit(
            config,
            panel,
            name=name,
            run=run,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_note=progress.note,
            callbacks=callbacks,
        )
