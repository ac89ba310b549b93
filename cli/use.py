"""`kerasforecast predict` and `kerasforecast evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import SectionedCommand, backend_option, data_options, given, output_options, skill_option

if TYPE_CHECKING:
    from kerasforecast.data.series import Series
    from kerasforecast.model import Model


@click.command(
    cls=SectionedCommand,
    epilog="Example: kerasforecast predict saved_models/ibm.keras new_prices.csv --steps 5",
    short_help="Forecast the rows that follow the data.",
)
@click.argument("model", type=click.Path(path_type=Path))
@data_options
@click.option("--steps", type=int, default=1, show_default=True, help="Rows ahead; forecasts become inputs.")
@click.option(
    "--levels",
    metavar="A,B,...",
    help="Prediction intervals to print, by the share that each is to cover: 0.8,0.95. All.",
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

    Rows beyond the horizon are forecast on earlier forecasts: the calendar features of their dates are known, other
    features are held at their last value. The forecast of a model with a quantile head is its median, at every step.

    Prints CSV (date, forecast, and for each quantile level of the prediction intervals a column such as q0.1) or, with
    --json, {"forecasts": [{"date", "forecast", "quantiles": {"0.1": ...}}, ...]}.
    """
    loaded = open_model(model, backend)
    names = None if levels is None else _columns_of(levels, loaded.config.levels)
    series = _series(loaded, options, quiet, steps)
    forecasts = loaded.forecast(steps, series)
    if names is not None:
        forecasts = forecasts[["forecast", *(name for name in forecasts.columns if name in names)]]

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
    epilog="Example: kerasforecast evaluate saved_models/ibm.keras new_prices.csv",
    short_help="Score a model on every window of the data.",
)
@click.argument("model", type=click.Path(path_type=Path))
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
    loaded = open_model(model, backend)
    series = _series(loaded, options, quiet, loaded.config.steps)
    result = loaded.evaluate(series)

    from .output import print_json, print_scores

    if as_json:
        print_json({**result.scores, "verdict": result.verdict, "interval_verdict": result.interval_verdict})
    else:
        print_scores(result.scores, result.verdict, result.interval_verdict, f"{series.name}, {series.target}")
    if require_skill is not None:
        result.require_skill(require_skill)


def _columns_of(chosen: str, levels: tuple[float, ...]) -> set[str]:
    """Columns of the quantiles that bound the prediction intervals chosen, e.g. `q0.1` and `q0.9` for 0.8.

    Raises:
        OptionError: The model has no such interval.
    """
    from kerasforecast.errors import OptionError, shown
    from kerasforecast.forecasting.forecast import quantile_column
    from kerasforecast.metrics.probabilistic import central_intervals

    intervals = {f"{nominal:g}": (levels[low], levels[high]) for nominal, low, high in central_intervals(levels)}
    found: set[str] = set()
    for word in filter(None, (part.strip() for part in chosen.split(","))):
        try:
            ends = intervals[f"{float(word):g}"]
        except (ValueError, KeyError):
            known = ", ".join(sorted(intervals)) or "it has none"
            raise OptionError(
                f"--levels must name prediction intervals that the model has: {known}. Received: {shown(word)}."
            ) from None
        found |= {quantile_column(level) for level in ends}
    return found


def open_model(path: Path, backend: str | None) -> Model:
    """The model file at `path`, on the backend asked for."""
    import kerasforecast

    return kerasforecast.load(path, backend=backend)


def _series(model: Model, options: dict[str, Any], quiet: bool, steps: int) -> Series:
    series = model.series_from(None, **given(options))
    record = model.manifest.data
    lines = list(series.notes)
    if record and not options["file"] and not options["ticker"] and series.sha256 != record.sha256:
        lines.append(f"{series.name}: the data has changed since the model was trained.")
    if not quiet:
        from kerasforecast.data.calendar_columns import held_beyond
        from kerasforecast.errors import printable

        lines += held_beyond(series.columns, series.calendar_columns, model.manifest.horizon, steps)

        for line in lines:
            click.echo(printable(line), err=True)
    return series
