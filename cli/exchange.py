"""`kerasforecast export`, `kerasforecast import-torch` and `kerasforecast import-keras`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .models import ModelFile
from .options import UserPath, backend_option, output_options

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.artifact.manifest import Manifest

_FORMATS = (
    "onnx, for this package and ONNX Runtime; litert and litert-int8, for phones; openvino; saved-model, for "
    "TensorFlow; stablehlo, for JAX; torch, a plain LSTM's state_dict, which takes and gives scaled values."
)

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
    epilog="Example: kerasforecast export saved_models/ibm.keras --to onnx",
    short_help="Write a model in another format, proved to forecast the same.",
)
@click.argument("model", type=ModelFile())
@click.option("--to", default="onnx", show_default=True, metavar="FORMAT", help=_FORMATS)
@click.option("--out", type=UserPath(), help="What to write; beside MODEL, by its name, when not given.")
@click.option("--linear-name", default="linear", show_default=True, help="What --to torch calls the linear layer.")
@backend_option
@output_options
def export(
    model: Path,
    to: str,
    out: Path | None,
    linear_name: str,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Write the model file MODEL in another format, where that forecasts the same as Keras does.

    Both forecast the golden windows, flat ones, high and low ones, and random ones, one and three at a time. Where they
    differ by more than 1e-5 scaled units nothing is written; of 8 bits by 0.1. What was found stands beside it, in
    FILE.parity.json.
    """
    import json

    import kerasforecast

    from .output import print_json

    path = kerasforecast.export(model, to, out, linear_name=linear_name, backend=backend)
    found = json.loads(path.with_name(f"{path.name}.parity.json").read_text())
    if as_json:
        print_json({to: str(path), "parity": found})
    else:
        size = path.stat().st_size if path.is_file() else sum(part.stat().st_size for part in path.rglob("*"))
        click.echo(f"{path} ({size:,} bytes; within {found['worst']:.1g} scaled units of Keras)")


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
