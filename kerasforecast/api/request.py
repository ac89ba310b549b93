"""A fit as it was asked for, and what is refused of it before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.api.asked import Request
from kerasforecast.config import Config
from kerasforecast.errors import BackendError, OptionError, flag, shown, whole_number
from kerasforecast.models.families import registry
from kerasforecast.runtime.extras import require_ray
from kerasforecast.runtime.names import safe_name

if TYPE_CHECKING:
    from kerasforecast.model import Model
    from kerasforecast.training.callbacks import Callbacks


@dataclass(frozen=True, kw_only=True)
class FitRequest(Request):
    """A fit as it was asked for.

    Attributes:
        resume: The run to go on with.
        checkpoint_every: Epochs between checkpoints.
        deterministic: Whether equal runs must give equal bytes.
        callbacks: What else Keras is to call as it trains.
        tensorboard: Where TensorBoard's logs go.
        init_from: The model whose weights training starts from.
        update: The same, where it goes on with newer rows of its own data.
        freeze: Layers that keep them.
        require_better: The p-value below which it must be better than that model, or that one leaves.
        devices: How many devices each take a share of every batch.
    """

    resume: str | None
    checkpoint_every: int | None
    deterministic: bool
    callbacks: Callbacks
    tensorboard: Path | None
    init_from: Path | Model | None
    update: Path | Model | None
    freeze: tuple[str, ...]
    require_better: float | None
    devices: int | None


def probability(option: str, value: float | None) -> float | None:
    """`value` where it is a p-value that a test can be held to, or `None`.

    Raises:
        OptionError: It is none.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1):
        raise OptionError(f"{option} must be a p-value above 0, at most 1. Received: {shown(value)}. Use 0.05.")
    return value


def check_request(request: FitRequest) -> None:
    """Refuse what does not go together.

    Raises:
        OptionError: The name is none, or an option would have no effect.
    """
    if request.resume and request.name not in (None, request.resume):
        raise OptionError(
            f"--resume NAME names the model itself. Received: --name {shown(request.name)} too. Leave it out."
        )
    if request.init_from is not None and request.update is not None:
        raise OptionError("--init-from and --update both name the model to start from. Received: both. Leave one out.")
    alone = request.init_from is None and request.update is None and request.resume is None
    for option in ("freeze", "require_better") if alone else ():
        if received := getattr(request, option):
            raise OptionError(
                f"{flag(option)} has no effect without --init-from or --update. Received: {shown(received)}. "
                "Leave it out."
            )
    _check_choice(request)
    if request.checkpoint_every is not None:
        whole_number("--checkpoint-every", request.checkpoint_every)
    if (name := request.resume or request.name) is not None:
        safe_name(name)
    require_ray(request.ray)
    if request.output_dir is None and (request.resume or request.checkpoint_every):
        option = "resume" if request.resume else "checkpoint_every"
        raise OptionError(f"{option} needs the folder of the run. Received: no output_dir. Give output_dir=.")


def _check_choice(request: FitRequest) -> None:
    """Refuse what one training has and a choice among many (`--model auto`) has not.

    Raises:
        OptionError: It was given.
    """
    name = request.options.get("model")
    if name not in registry.models() or not registry.family(str(name)).chooses:
        return
    for option in ("init_from", "update", "callbacks", "tensorboard", "checkpoint_every", "devices"):
        if received := getattr(request, option):
            what = shown(str(received)) if isinstance(received, Path | int) else "some"
            raise OptionError(
                f"{flag(option)} is for the training of one network, and --model {name} chooses among many. "
                f"Received: {what}. Leave it out, or name a network."
            )


def check_spread(request: FitRequest, config: Config, backend: str, devices: int | None) -> None:
    """Refuse to spread over workers or devices what cannot be.

    Raises:
        OptionError: One network over Ray, or batches that devices cannot share out evenly.
        BackendError: `backend` trains on one device.
    """
    _check_devices(devices, backend, config.training.batch_size)
    if request.ray is not None and not config.network.family.chooses:
        raise OptionError(
            f"--ray trains several networks at once. Received: {shown(request.ray)} for one network. Leave it out, or "
            "use --model auto, or a model of each series (`fit --each`)."
        )


def _check_devices(count: int | None, backend: str, batch_size: int) -> None:
    """Refuse what cannot be spread, before data is read.

    Args:
        count: How many devices are asked for, if any number is.
        backend: That computes.
        batch_size: Windows of a batch.

    Raises:
        BackendError: The backend cannot.
        OptionError: It is no number of devices, or batches cannot be shared out evenly.
    """
    if count is None:
        return
    whole_number("--devices", count)
    if count > 1 and backend != "jax":
        raise BackendError(
            f"--devices needs JAX: Keras spreads training over devices there alone. Received: {count} with {backend}. "
            "Use --backend jax, or leave it out."
        )
    if batch_size % count:
        raise OptionError(
            f"--devices must divide a batch evenly. Received: {count} for --batch-size {batch_size}. "
            f"Use --batch-size {-(-batch_size // count) * count}."
        )
