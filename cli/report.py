"""`kerasforecast report`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import output_options


@click.command(
    epilog="Example: kerasforecast report saved_models/ibm.keras",
    short_help="Write the report of a fit again, from what it left.",
)
@click.argument("model", type=click.Path(path_type=Path))
@output_options
def report(model: Path, as_json: bool, quiet: bool, debug: bool) -> None:
    """Write report.html, as `fit` did, from the model file MODEL and the folder beside it.

    Takes no backend: nothing is trained or forecast. The whole series is drawn where its data is still at hand.
    """
    from kerasforecast.report import write_fit_report

    from .output import print_json

    path = write_fit_report(model)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(path)
