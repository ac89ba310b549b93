"""`kerasforecast drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .models import ModelFile
from .options import SectionedCommand, UserPath, backend_option, data_options, given, output_options


@click.command(
    cls=SectionedCommand,
    common=("ticker", "start", "end", "missing", "reference", "backend", "as_json", "quiet"),
    epilog="Example: kerasforecast drift saved_models/ibm.keras newer.csv",
    short_help="Say whether a model still is what its test said.",
)
@click.argument("model", type=ModelFile())
@data_options
@click.option("--reference", type=UserPath(), help="Table with the rows of validation and test, where FILE lacks them.")
@backend_option
@output_options
def drift(
    model: Path,
    reference: Path | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Compare what the model file MODEL says of the newer rows of FILE, or of a ticker, with what came.

    Prints fine, watch or retrain, and why. Exit code: 0 fine; 5 watch; 4 retrain, as where --require-skill is not met.
    """
    import kerasforecast
    from kerasforecast.serving.drift import drift as of

    from .output import print_json, print_wrapped

    opened = kerasforecast.load(model, backend=backend)
    found = of(opened, reference=reference, **given(options))
    if as_json:
        print_json(found.as_json())
    else:
        click.echo(f"{found.status}: {found.model}, {found.rows:,} forecasts from {found.start} to {found.end}")
        for line in found.why if quiet else [sign.text for sign in found.signs]:
            print_wrapped(f"  {line}")
        for note in () if quiet else found.notes:
            print_wrapped(note)
    click.get_current_context().exit(found.exit_code)
