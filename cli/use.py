"""`kerasforecast predict` and `kerasforecast evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .models import ModelFile
from .options import SectionedCommand, backend_option, data_options, given, output_options, skill_option

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.series import Series
    from kerasforecast.model import Model


@click.command(
    cls=SectionedCommand,
    common=("ticker", "start", "end", "missing", "steps", "levels", "output", "backend", "as_json", "quiet"),
    epilog="Example: kerasforecast predict saved_models/ibm.keras new_prices.csv --steps 5",
    short_help="Forecast the rows that follow the data.",
)
@click.argument("model", type=ModelFile())
@data_options
@click.option("--steps", type=int, default=1, show_default=True, help="Rows ahead; forecasts become inputs.")
@click.option(
    "--levels",
    metavar="A,B,...",
    help="Quantile levels to print, of those that the model has: 0.1,0.9 for an interval of 80 %. When not given, all.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the forecasts to this CSV file instead.")
@backend_option
@output_options
def predict(
    model: Path,
    steps: int,
    levels: str | None,
    output: Path | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Forecast with the model file MODEL what follows FILE, a ticker, or the data it was trained on.

    Prints CSV (date, forecast, and for each quantile level of the prediction intervals a column such as q0.1) or, with
    --json, {"forecasts": [{"date", "forecast", "quantiles": {"0.1": ...}}, ...]}.
    """
    from kerasforecast.errors import whole_number

    steps = whole_number("--steps", steps)
    manifest = _manifest(model, backend)
    names = None if levels is None else _columns_of(levels, manifest.config.levels)
    series = _series(manifest, options, quiet)
    forecasts = open_model(model, backend).forecast(steps, series)
    if names is not None:
        forecasts = forecasts[["forecast", *(name for name in names if name in forecasts)]]

    from kerasforecast.data.stamps import iso_texts
    from kerasforecast.runtime.files import atomic_write

    from .output import forecast_rows, print_json

    table = forecasts.set_axis(iso_texts(forecasts.index), axis=0).to_csv(index_label="date")
    if output:
        atomic_write(output, table.encode())
        click.echo(f"{output}: {steps} forecasts", err=True)
    if as_json:
        print_json({"forecasts": forecast_rows(forecasts)})
    elif not output:
        click.echo(table, nl=False)


@click.command(
    cls=SectionedCommand,
    common=("ticker", "start", "end", "missing", "require_skill", "backend", "as_json", "quiet"),
    epilog="Example: kerasforecast evaluate saved_models/ibm.keras new_prices.csv",
    short_help="Score a model on every window of the data.",
)
@click.argument("model", type=ModelFile())
@data_options
@skill_option
@backend_option
@output_options
def evaluate(
    model: Path,
    require_skill: float | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Score the model file MODEL on every window of FILE or a ticker, beside the simple baselines.

    Without either: on the data it was trained on, training part included, which flatters it.
    """
    series = _series(_manifest(model, backend), options, quiet)
    result = open_model(model, backend).evaluate(series)

    from .output import print_json, print_scores

    if as_json:
        print_json({**result.scores, "verdict": result.verdict, "interval_verdict": result.interval_verdict})
    else:
        print_scores(result.scores, result.verdict, result.interval_verdict, f"{series.name}, {series.target}")
    if require_skill is not None:
        result.require_skill(require_skill)


def _columns_of(chosen: str, levels: tuple[float, ...]) -> list[str]:
    """Columns of the quantile levels chosen, e.g. `q0.1` for 0.1, ascending.

    Raises:
        OptionError: The model has no such level.
    """
    from kerasforecast.errors import OptionError, shown
    from kerasforecast.forecasting.forecast import quantile_column
    from kerasforecast.metrics.probabilistic import central_intervals

    found: set[float] = set()
    for word in filter(None, (part.strip() for part in chosen.split(","))):
        try:
            found.add({f"{level:g}": level for level in levels}[f"{float(word):g}"])
        except (ValueError, KeyError):
            known = ",".join(f"{level:g}" for level in levels) or "none"
            ends = {f"{share:g}": f"{levels[low]:g},{levels[high]:g}" for share, low, high in central_intervals(levels)}
            interval = f" The interval that covers {word} is --levels {ends[word]}." if word in ends else ""
            raise OptionError(
                f"--levels must name quantile levels that the model has: {known}. Received: {shown(word)}.{interval}"
            ) from None
    return [quantile_column(level) for level in sorted(found)]


def open_model(path: Path, backend: str | None) -> Model:
    """The model file at `path`, on the backend asked for."""
    import kerasforecast

    return kerasforecast.load(path, backend=backend)


def _manifest(path: Path, backend: str | None) -> Manifest:
    """What the model file says of itself: by it options and data are checked before a backend loads."""
    from kerasforecast.artifact.reader import read_manifest
    from kerasforecast.runtime.backend import choose

    choose(backend)
    return read_manifest(path)


def _series(manifest: Manifest, options: dict[str, Any], quiet: bool) -> Series:
    from kerasforecast.artifact.inputs import series_for

    series = series_for(manifest, None, given(options))
    record = manifest.data
    lines = list(series.notes)
    if record and not options["file"] and not options["ticker"] and series.sha256 != record.sha256:
        lines.append(f"{series.name}: the data has changed since the model was trained.")
    if not quiet:
        from kerasforecast.errors import printable

        for line in lines:
            click.echo(printable(line), err=True)
    return series
