"""`kerasforecast predict` and `kerasforecast evaluate`."""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .future import print_frame, told
from .models import ModelFile
from .options import SectionedCommand, UserPath, backend_option, data_options, given, output_options, skill_option
from .paths import PathQuestion, path_options

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model

TERMINAL = Path("-")  # what --plot has without a file
# Options by which rows are other than those of the training, or are some of them: nobody need be told.
_OTHER_ROWS = {"file", "ticker", "series", "start", "end", "missing", "duplicates"}


@click.command(
    cls=SectionedCommand,
    common=(
        *("ticker", "start", "end", "steps", "future", "print_future", "levels", "paths", "probability"),
        *("output", "backend", "as_json", "quiet"),
    ),
    epilog="Example: kerasforecast predict saved_models/ibm.keras new_prices.csv --steps 5",
    short_help="Forecast the rows that follow the data.",
)
@click.argument("model", type=ModelFile())
@data_options
@click.option("--steps", type=int, help="Rows ahead; those that were scored when not given.")
@click.option(
    "--future",
    type=click.Path(),
    metavar="FILE",
    help="Table of what is known of the rows ahead.",
)
@click.option("--print-future", is_flag=True, help="Write the table that --future takes.")
@click.option(
    "--levels",
    metavar="A,B,...",
    help="Quantile levels to print, of those that the model has: 0.1,0.9 for an interval of 80 %. When not given, all.",
)
@click.option("--output", type=UserPath(), help="Write forecasts to this CSV file.")
@path_options
@click.option(
    "--plot",
    type=UserPath(),
    is_flag=False,
    flag_value=str(TERMINAL),
    metavar="[FILE]",
    help="Draw the forecast after the last known rows, into a .png, .svg or .html file; as text where none is named.",
)
@backend_option
@output_options
def predict(
    model: Path,
    steps: int | None,
    future: str | None,
    print_future: bool,
    levels: str | None,
    output: Path | None,
    paths: int | None,
    probability: tuple[str, ...],
    path_seed: int | None,
    plot: Path | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Forecast with the model file MODEL what follows FILE, a ticker, or the data it was trained on.

    Rows beyond the horizon are forecast on earlier forecasts; columns not known ahead are held at their last value. The
    forecast of a model with a quantile head is its median. What is known of the rows to be forecast stands in the table
    itself, after the last target, or in the table that --future names, unless dates give it.

    Prints CSV (date, forecast, and for each quantile level of the prediction intervals a column such as q0.1) or, with
    --json, {"forecasts": [{"date", "forecast", "quantiles": {"0.1": ...}}, ...]}.

    Of a model that draws paths (--model diffusion), --paths prints such, and --probability how likely something is on
    them: 'min < 190', with max, first, last, mean, sum, now, step 3, + - * /, and, or.
    """
    from kerasforecast.errors import whole_number

    if plot is not None and plot != TERMINAL:
        from kerasforecast.report.plot import check_kind

        check_kind(plot)
    if model.suffix != ".onnx":
        gc.enable()
    manifest = manifest_of(model, backend)
    steps = manifest.config.steps if steps is None else whole_number("--steps", steps)
    names = None if levels is None else _columns_of(levels, manifest.config.levels)
    panel = panel_of(manifest, options, quiet, steps)
    if print_future:
        beside = {"future": future, "levels": levels, "plot": plot, "json": as_json or None}
        print_frame(manifest, panel, steps, output, beside)
        return
    panel = told(manifest, panel, future, given(options), steps, quiet=quiet)
    asked = PathQuestion.of(manifest, paths, probability, path_seed, {"levels": levels, "plot": plot})
    loaded = open_model(model, backend)
    if asked:
        asked.answer(loaded, panel, steps, output, as_json=as_json)
        return
    forecasts = loaded.forecast(steps, panel)
    if names is not None:
        forecasts = forecasts[["forecast", *(name for name in names if name in forecasts)]]

    _write(forecasts, output, as_json=as_json)
    if plot is not None:
        _plot(loaded, panel, forecasts, plot)


@click.command(
    cls=SectionedCommand,
    common=("ticker", "start", "end", "missing", "steps", "require_skill", "backend", "as_json", "quiet"),
    epilog="Example: kerasforecast evaluate saved_models/ibm.keras new_prices.csv",
    short_help="Score a model on every window of the data.",
)
@click.argument("model", type=ModelFile())
@data_options
@click.option("--steps", type=int, help="Rows ahead to score, at most those of the fit; those when not given.")
@skill_option
@backend_option
@output_options
def evaluate(
    model: Path,
    steps: int | None,
    require_skill: float | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Score the model file MODEL on every window of FILE or a ticker, beside the simple baselines.

    Windows that it has learned from are left out, and that is said; without FILE or a ticker, those of the data it was
    trained on.
    """
    from kerasforecast.errors import whole_number

    manifest = manifest_of(model, backend)
    ahead = None if steps is None else whole_number("--steps", steps)
    panel = panel_of(manifest, options, quiet, ahead or manifest.config.steps)
    loaded = open_model(model, backend)
    result = loaded.evaluate(panel, ahead)

    from .output import print_held_out, print_json, print_scores, print_wrapped

    if as_json:
        print_json(
            {
                **result.scores,
                "learned": result.learned,
                "verdict": result.verdict,
                "interval_verdict": result.interval_verdict,
                "held_out": result.held_out and result.held_out.scores | {"verdict": result.held_out.verdict},
            }
        )
    else:
        if result.learned and result.judged:
            print_wrapped(f"Windows left out, since the model has learned from them: {result.learned}.")
        title = f"{panel.name}, {panel.target}"
        note, each = loaded.interval_note, result.per_series
        print_scores(result.scores, result.judgement, title, note, quiet=quiet, per_series=each)
        print_held_out(result)
    if require_skill is not None:
        result.require_skill(require_skill)


def _write(forecasts: pd.DataFrame, output: Path | None, *, as_json: bool) -> None:
    """Print the forecasts, or write them to the file `output`."""
    from kerasforecast.evaluation.tables import as_written
    from kerasforecast.runtime.files import atomic_write

    from .output import forecast_rows, print_json

    rows = as_written(forecasts.reset_index())
    table = rows.to_csv(index=False)
    if output:
        atomic_write(output, table.encode())
        click.echo(f"{output}: {len(rows):,} forecasts", err=True)
    if as_json:
        print_json({"forecasts": forecast_rows(rows)})
    elif not output:
        click.echo(table, nl=False)


def _plot(model: Model, panel: Panel, forecasts: pd.DataFrame, where: Path) -> None:
    """Draw `forecasts` after the last rows of `panel`, into a file or on the terminal."""
    from kerasforecast.report.outlooks import outlook_of

    outlook = outlook_of(model.manifest.name, panel, forecasts, model.config.levels, model.verdict)
    if where == TERMINAL:
        from kerasforecast.report.terminal import drawn

        for line in drawn(outlook, shutil.get_terminal_size().columns, encoding=sys.stderr.encoding):
            click.echo(line, err=True)
    else:
        from kerasforecast.report.plot import write_plot

        write_plot(outlook, where)
        click.echo(f"{where}: the forecast as a picture", err=True)


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


def manifest_of(path: Path, backend: str | None) -> Manifest:
    """What the model file says of itself: by it options and data are checked before a backend loads."""
    if path.suffix == ".onnx":
        from kerasforecast.artifact.onnx.reader import read_onnx_manifest

        return read_onnx_manifest(path)
    from kerasforecast.artifact.reader import read_manifest
    from kerasforecast.runtime.backend import choose

    choose(backend)
    return read_manifest(path)


def panel_of(manifest: Manifest, options: dict[str, Any], quiet: bool, steps: int) -> Panel:
    """The data that the options name; what was decided of it is said."""
    from kerasforecast.artifact.inputs import panel_for

    chosen = given(options)
    panel = panel_for(manifest, None, chosen)
    record = manifest.data
    lines = list(panel.notes)
    if record and not chosen.keys() & _OTHER_ROWS and panel.sha256 != record.sha256:
        lines.append(f"{panel.name}: the data has changed since the model was trained.")
    if not quiet:
        from kerasforecast.data.calendar_columns import held_beyond
        from kerasforecast.errors import printable

        lines += held_beyond(panel.past_columns, manifest.horizon, steps)

        for line in lines:
            click.echo(printable(line), err=True)
    return panel
