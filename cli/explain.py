"""`kerasforecast explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .future import told
from .models import ModelFile
from .options import SectionedCommand, UserPath, backend_option, data_options, given, output_options
from .use import manifest_of, open_model, panel_of


@click.command(
    cls=SectionedCommand,
    common=("ticker", "series", "start", "end", "at", "future", "memory", "output", "backend", "as_json", "quiet"),
    epilog="Example: kerasforecast explain saved_models/ibm.keras --at 2020-03-20",
    short_help="Say why a forecast is what it is, on one page.",
)
@click.argument("model", type=ModelFile())
@data_options
@click.option("--at", metavar="DATE", help="Last date, or step, that the forecast knows; the last row when not given.")
@click.option(
    "--future",
    type=click.Path(),
    metavar="FILE",
    help="Table of what is known of the rows to be forecast: ids, dates, known columns.",
)
@click.option(
    "--memory", is_flag=True, help="Train small networks that show how far each kind remembers; a few minutes."
)
@click.option("--output", type=UserPath(), help="The page, an .html file; explain.html beside the report if not given.")
@backend_option
@output_options
def explain(
    model: Path,
    at: str | None,
    future: str | None,
    memory: bool,
    output: Path | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Say why the model file MODEL forecasts what it does after FILE, a ticker, or the data it was trained on.

    The difference from the naive forecast is split over the past of the target and over covariates. The page also shows
    how far back the model looks, and of a recurrent one its gates and states, of N-BEATS trend and season, of the patch
    Transformer its attention, of diffusion how a path comes from noise. It needs no network.

    Of several series the first is explained, or the one that --series names.
    """
    from kerasforecast.explain.explanation import explain as explained
    from kerasforecast.explain.explanation import page_path
    from kerasforecast.runtime.terminal import say

    from .output import print_json, print_wrapped

    page = page_path(output or model.with_suffix("") / "explain.html")
    manifest = manifest_of(model, backend)
    panel = panel_of(manifest, options, quiet, manifest.horizon)
    panel = told(manifest, panel, future, given(options), manifest.horizon, quiet=quiet)
    loaded = open_model(model, backend)
    found = explained(manifest, loaded.predictor, panel, at, memory=memory, say=(lambda _: None) if quiet else say)
    path = found.save(page)
    if as_json:
        print_json(found.numbers | {"page": str(path)})
        return
    for line in found.lines:
        print_wrapped(line)
    click.echo(path)
