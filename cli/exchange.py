"""`kerasforecast import-torch`, `kerasforecast export-torch` and `kerasforecast import-keras`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .options import UserPath, backend_option, output_options

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.artifact.manifest import Manifest

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _imported(command: _Command) -> _Command:
    """What a foreign file does not say of its model, and what every command has."""
    for option in (
        output_options,
        backend_option,
        click.option(
            "--minmax",
            type=float,
            nargs=2,
            metavar="LOW HIGH",
            help="Price range it was scaled by, to 0 and 1; else unscaled.",
        ),
        click.option("--target", default="Close", show_default=True, help="Column it forecasts."),
        click.option("--out", type=UserPath(), required=True, help="The .keras file to write."),
    ):
        command = option(command)
    return command


@click.command(
    "import-torch",
    epilog="Example: kerasforecast import-torch weights.pt --out stock.keras --minmax 60.5 215.9",
    short_help="Make a .keras model of a PyTorch StockLSTM's state_dict.",
)
@click.argument("weights", type=UserPath())
@click.option("--window", type=click.IntRange(2, 10_000), default=60, show_default=True, help="Rows it was trained on.")
@_imported
def import_torch(
    weights: Path,
    out: Path,
    window: int,
    target: str,
    minmax: tuple[float, float] | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make a .keras model of WEIGHTS, what `torch.save(model.state_dict(), WEIGHTS)` wrote for a StockLSTM.

    A state_dict does not say how prices were scaled: with --minmax the file takes and returns raw prices.
    """
    low, high = _begin(minmax, backend)
    from kerasforecast.artifact.exchange.torch_state import import_state_dict

    found = import_state_dict(weights, window=window, target=target, low=low, high=high)
    _save(*found, out, "PyTorch", as_json)


@click.command(
    "export-torch",
    epilog="Example: kerasforecast export-torch saved_models/ibm.keras --out weights.pt --linear-name fc",
    short_help="Write a model's weights as a PyTorch StockLSTM's state_dict.",
)
@click.argument("model", type=UserPath())
@click.option("--out", type=UserPath(), required=True, help="The state_dict file to write.")
@click.option("--linear-name", default="linear", show_default=True, help="What the linear layer is called there.")
@backend_option
@output_options
def export_torch(
    model: Path, out: Path, linear_name: str, backend: str | None, as_json: bool, quiet: bool, debug: bool
) -> None:
    """Write the weights of the model file MODEL for `StockLSTM().load_state_dict(torch.load(OUT))`.

    Scaling stays behind: the PyTorch network takes and returns scaled values.
    """
    from .output import print_json
    from .use import open_model

    loaded = open_model(model, backend)
    from kerasforecast.artifact.exchange.torch_state import export_state_dict

    export_state_dict(loaded.manifest.members[0].network, loaded.predictor.weights, out, linear_name)
    if as_json:
        print_json({"weights": str(out)})
    else:
        click.echo(f"{out} ({loaded.manifest.parameters.saved:,} parameters, bias_hh zero)")


@click.command(
    "import-keras",
    epilog="Example: kerasforecast import-keras mine.keras --trust-keras-file --out stock.keras --minmax 60.5 215.9",
    short_help="Make a model of a plain Keras file that you trust.",
)
@click.argument("model", type=UserPath())
@click.option(
    "--trust-keras-file",
    "trusted",
    is_flag=True,
    help="Let Keras open MODEL in safe mode. That refuses code inside the file and nothing else: the file still "
    "decides which layers are made, how large, and what they read, and any fault of Keras or HDF5 is open to it.",
)
@_imported
def import_keras(
    model: Path,
    out: Path,
    target: str,
    minmax: tuple[float, float] | None,
    trusted: bool,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make a model of MODEL, a .keras file of equal LSTM, GRU or SimpleRNN layers over windows (L, 1) and a Dense.

    With --minmax the new file takes and returns raw prices; without, what the Keras model takes and returns.
    """
    from kerasforecast.errors import OptionError

    if not trusted:
        raise OptionError(
            f"{model}: Keras opens a file only for those who trust it. Received: no --trust-keras-file. Its safe mode "
            "refuses code inside the file, not large layers, files that layers read, or faults of Keras and HDF5."
        )
    low, high = _begin(minmax, backend)
    from kerasforecast.artifact.exchange.keras_model import import_keras_model

    _save(*import_keras_model(model, target=target, low=low, high=high), out, "Keras", as_json)


def _begin(minmax: tuple[float, float] | None, backend: str | None) -> tuple[float | None, float | None]:
    """Check the price range, which is returned, and load the backend."""
    from kerasforecast.errors import OptionError
    from kerasforecast.runtime.backend import activate, load_quietly

    low, high = minmax or (None, None)
    if low is not None and high is not None and not low < high:
        raise OptionError(f"--minmax must be LOW HIGH with LOW below HIGH. Received: {low} {high}.")
    activate(backend)
    load_quietly()
    return low, high


def _save(manifest: Manifest, weights: list[np.ndarray], out: Path, origin: str, as_json: bool) -> None:
    from kerasforecast.model import Model

    from .output import print_json

    path = Model(manifest, weights).save(out)
    parameters = manifest.parameters
    if as_json:
        print_json({"model": str(path), "parameters": parameters.model_dump()})
    else:
        click.echo(f"{path} ({parameters.trained:,} parameters in {origin}, {parameters.saved:,} saved)")
