"""`kerasforecast import-torch` and `kerasforecast export-torch`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import backend_option, output_options


@click.command(
    "import-torch",
    epilog="Example: kerasforecast import-torch weights.pt --out stock.keras --minmax 60.5 215.9",
    short_help="Make a .keras model of a PyTorch StockLSTM's state_dict.",
)
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .keras file to write.")
@click.option("--window", type=click.IntRange(2, 10_000), default=60, show_default=True, help="Rows it was trained on.")
@click.option("--target", default="Close", show_default=True, help="Column it forecasts.")
@click.option(
    "--minmax", type=float, nargs=2, metavar="LOW HIGH", help="Price range it was scaled by, to 0 and 1; else unscaled."
)
@backend_option
@output_options
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
    from kerasforecast.backend import activate, load_quietly
    from kerasforecast.errors import OptionError

    low, high = minmax or (None, None)
    if low is not None and high is not None and not low < high:
        raise OptionError(f"--minmax must be LOW HIGH with LOW below HIGH. Received: {low} {high}.")
    activate(backend)
    load_quietly()
    from kerasforecast.torch_exchange import import_state_dict

    from .output import print_json

    model = import_state_dict(weights, window=window, target=target, low=low, high=high)
    path = model.save(out)
    parameters = model.manifest.parameters
    if as_json:
        print_json({"model": str(path), "parameters": parameters.model_dump()})
    else:
        click.echo(f"{path} ({parameters.trained:,} parameters in PyTorch, {parameters.saved:,} saved)")


@click.command(
    "export-torch",
    epilog="Example: kerasforecast export-torch saved_models/ibm.keras --out weights.pt --linear-name fc",
    short_help="Write a model's weights as a PyTorch StockLSTM's state_dict.",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The state_dict file to write.")
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
    from kerasforecast.torch_exchange import export_state_dict

    export_state_dict(loaded, out, linear_name)
    if as_json:
        print_json({"weights": str(out)})
    else:
        click.echo(f"{out} ({loaded.manifest.parameters.saved:,} parameters, bias_hh zero)")
