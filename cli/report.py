"""`kerasforecast report`."""

from __future__ import annotations

from pathlib import Path

import click

from .models import ModelFile
from .options import output_options


@click.command(
    epilog="Example: kerasforecast report saved_models/ibm.keras",
    short_help="Write a report again, from the files its command left.",
)
@click.argument("file", type=ModelFile())
@output_options
def report(file: Path, as_json: bool, quiet: bool, debug: bool) -> None:
    """Write the report of FILE again: a model file, or the backtest.json, compare.json or study.json that such a
    command left.

    Takes no backend: nothing is trained or forecast. A model's report draws the whole series where its data is still
    at hand.
    """
    from kerasforecast.tuning.kept import is_study, rewrite_study

    from .output import print_json

    if is_study(file):
        path = rewrite_study(file)
    else:
        from kerasforecast.report import rewrite_report

        path = rewrite_report(file)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(path)
