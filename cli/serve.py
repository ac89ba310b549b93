"""`kerasforecast serve`."""

from __future__ import annotations

from pathlib import Path

import click

from .models import ModelFile
from .options import UserPath, output_options


@click.command(
    epilog="Example: kerasforecast serve saved_models/ibm.keras --port 8000",
    short_help="Serve models over HTTP, with a page to try them on.",
)
@click.argument("models", type=ModelFile(), nargs=-1, required=True, metavar="MODEL...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; others need --token-file.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="Port to listen at.")
@click.option("--token-file", type=UserPath(), help="File whose first line requests must bear as their token.")
@click.option("--watch", is_flag=True, help="Take outcomes, and tell whether a model still is what its test said.")
@click.option("--retrain", is_flag=True, help="Train a stale model on with its outcomes; exchange it if that helps.")
@click.option("--max-body", type=click.IntRange(1, 256), default=8, show_default=True, help="MiB of a request.")
@click.option("--max-rows", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Rows of it.")
@click.option("--max-series", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="Series of it.")
@click.option("--max-seconds", type=click.FloatRange(0.1, 600), default=10, show_default=True, help="For an answer.")
@output_options
def serve(
    models: tuple[Path, ...],
    host: str,
    port: int,
    token_file: Path | None,
    watch: bool,
    retrain: bool,
    max_body: int,
    max_rows: int,
    max_series: int,
    max_seconds: float,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Serve the model files MODEL..., and those in folders named so, until Ctrl+C or SIGTERM.

    A file that changes is checked and then takes the place of the one before, which a bad one does not. Routes:
    /v1/models/NAME/forecast, the Open Inference Protocol under /v2, /metrics, /openapi.json; a page at /.
    --json prints the address, and the models with their hashes, once they are served.
    """
    from kerasforecast.serving.limits import Limits
    from kerasforecast.serving.server import Address
    from kerasforecast.serving.server import serve as run

    from .output import print_json

    limits = Limits(body=max_body * 2**20, rows=max_rows, series=max_series, seconds=max_seconds)
    started = print_json if as_json else None
    run(
        models,
        address=Address(host, port),
        limits=limits,
        token_file=token_file,
        watch=watch,
        retrain=retrain,
        started=started,
    )
