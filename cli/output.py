"""Results on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kerasforecast.runtime.terminal import say

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.artifact.importance import Importance
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.artifact.selection import Selection
    from kerasforecast.evaluation.evaluation import Evaluation
    from kerasforecast.evaluation.verdict import Judgement
    from kerasforecast.model import Model

Column: TypeAlias = list[str]  # its heading, and a text for each row

# Two tables where one is too wide for the terminal: the points, and the prediction intervals.
_POINTS = ("rmse", "mae", "mape", "mase", "directional_accuracy")
_INTERVALS = ("crps", "coverage")
# Those of several series, which may be of any size: each in the units of its own.
_SCALED_POINTS = ("mase", "median_mase", "rmsse", "median_rmsse", "smape")
_SCALED_INTERVALS = ("scaled_crps", "median_scaled_crps", "coverage")
_WORST = 3  # series that are named
_NARROWEST = 40  # columns; a terminal that says it has fewer is not believed


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # JSON has escapes of its own
        text = json.dumps(content, allow_nan=False)
    click.echo(text)


def print_scores(
    scores: dict[str, Any],
    judgement: Judgement,
    title: str,
    note: str | None = None,
    *,
    quiet: bool = False,
    per_series: pd.DataFrame | None = None,
) -> None:
    """The verdicts, a note if any, and below them the model's scores above its baselines', some steps ahead apart.

    Of several series also on how many of them the model is better, and which went worst by `per_series`.
    """
    print_verdicts("Verdict", judgement)
    if note:
        print_wrapped(note)
    if quiet:
        return
    from kerasforecast.report.scores import contestants, shown_steps

    several = scores.get("series")
    print_wrapped(f"{title}: {scores['n']:,} forecasts{_of_series(scores) if several else ''}")
    named = dict(contestants(scores))
    ours = named.pop("model")
    best = judgement.best.name if judgement.best else "naive"
    order = ["naive", *([best] if best != "naive" else []), *(name for name in named if name not in ("naive", best))]
    steps = ours.get("steps") or ()
    rows = {"model": ours} | {f"  step {step}": steps[step - 1] for step in (shown_steps(len(steps)) if steps else ())}
    rows |= {name.replace("_", " "): named[name] for name in order}
    groups = (_SCALED_POINTS, _SCALED_INTERVALS) if several else (_POINTS, _INTERVALS)
    print_table([["", *rows]], *(columns_of(list(rows.values()), keys) for keys in groups))
    if several:
        _print_series(scores, best, per_series)


def _of_series(scores: dict[str, Any]) -> str:
    """How many series were scored, and how many were not and why."""
    apart = [(scores.get("unscored"), "too short to score"), (scores.get("unscaled"), "without a scale")]
    more = "".join(f"; {count:,} {why}" for count, why in apart if count)
    return f" of {scores['series']:,} series{more}. Scores are means over series"


def _print_series(scores: dict[str, Any], best: str, per_series: pd.DataFrame | None) -> None:
    from kerasforecast.evaluation.verdict import spoken
    from kerasforecast.report.scores import worst_series

    shares = scores["better"]
    names = [("best", best), *([("naive", "naive")] if best != "naive" else [])]
    better = " and ".join(f"better than {spoken(name)} on {shares[key]:.0%}" for key, name in names)
    print_wrapped(f"By MASE the model is {better} of {scores['series']:,} series.")
    if per_series is not None and (worst := worst_series(per_series, _WORST)):
        print_wrapped(f"Worst series, by MASE: {', '.join(f'{name} {mase:.2f}' for name, mase in worst)}.")


def print_verdicts(title: str, judgement: Judgement) -> None:
    """The points' verdict, and that of the prediction intervals where there are some, within the terminal's width."""
    unjudged = judgement.status == "not judged"
    lines = [f"{f'No v{title[1:]}' if unjudged else title}: {judgement.text.removeprefix('no verdict: ')}"]
    if judgement.interval_text:
        lines.append(f"Prediction intervals, by CRPS: {judgement.interval_text}")
    if judgement.tested:
        lines.append(f"Tested {judgement.tested}.")
    for line in lines:
        print_wrapped(line)


def print_wrapped(line: str) -> None:
    """A line of words, within the terminal's width."""
    lines = textwrap.wrap(
        line, terminal_width(), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    click.echo("\n".join(lines))


def columns_of(scores: list[dict[str, Any]], keys: Sequence[str]) -> list[Column]:
    """A column of texts for each score that somebody has, its heading first."""
    from kerasforecast.report.scores import score_cells

    header, rows = score_cells(scores, keys)
    return [list(column) for column in zip(header, *rows, strict=True)]


def print_table(names: list[Column], *groups: list[Column]) -> None:
    """Columns of texts that fit the terminal: all side by side, or else a table below the other for each group.

    Args:
        names: The columns that say which row it is, the first to the left; they are repeated with every table.
        groups: Further columns, those together that belong together.
    """
    for table in _tables(names, groups, terminal_width()):
        widths = [max(map(len, column)) for column in table]
        for row in zip(*table, strict=True):
            cells = "".join(f"{cell:>{width + 2}}" for cell, width in zip(row[1:], widths[1:], strict=True))
            click.echo(f"  {row[0]:<{widths[0]}}{cells}".rstrip())


def terminal_width() -> int:
    """Columns that a line may have: those of the terminal, 80 where there is none."""
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def _tables(names: list[Column], groups: Sequence[list[Column]], width: int) -> list[list[Column]]:
    """The columns of each table, none wider than `width` where that can be."""
    whole = [*names, *(column for group in groups for column in group)]
    if _width(whole) <= width:
        return [whole]
    tables = []
    for group in groups:
        table = list(names)
        for column in group:
            if len(table) > len(names) and _width([*table, column]) > width:
                tables.append(table)
                table = list(names)
            table.append(column)
        tables += [table] if len(table) > len(names) else []
    return tables


def _width(table: list[Column]) -> int:
    return sum(2 + max(map(len, column)) for column in table)


_BOARD = 12  # networks on the leaderboard of a choice
# Beside a model, first the picture.
_WRITTEN = ("report", "forecast", "metrics", "series", "paths", "history", "test_forecasts")


def print_held_out(found: Evaluation) -> None:
    """How series were forecast that training never saw, where they are scored apart."""
    from kerasforecast.evaluation.cold_start import held_out_line

    if found.held_out:
        print_wrapped(f"{held_out_line(found.scores, found.held_out.scores, found.held_out.verdict)}.")


def print_fit(model: Model, paths: dict[str, Path], *, quiet: bool) -> None:
    """Scores, verdict, and where everything is."""
    from kerasforecast.models.member import describe

    manifest = model.manifest
    record, parameters = manifest.training, manifest.parameters
    if model.test is None:
        raise ValueError("A fit has a test.")
    if manifest.selection:
        if not quiet:
            print_selection(manifest.selection)
    elif not quiet:
        theirs = manifest.lineage.parent if manifest.lineage and manifest.lineage.kept == "parent" else None
        if record and manifest.config.network.family.trained:
            reason = "validation stopped improving" if record.stopped_early else "all epochs ran"
            kept = f"epoch {record.best_epoch} of {record.epochs} ({reason}; {record.seconds:.0f} s)"
            say(f"Kept {kept}" if theirs is None else f"Kept the weights of {theirs}, from its own training: {kept}")
        if model.manifest.metrics and (diagnosis := model.manifest.metrics.diagnosis):
            say(f"Loss curves: {diagnosis.line}")
    title = f"Test on {model.manifest.target}"
    found = model.test
    print_scores(found.scores, found.judgement, title, model.interval_note, quiet=quiet, per_series=found.per_series)
    print_held_out(found)
    if found.importance and not quiet:
        print_importance(found.importance)
    if found.paths and not quiet:
        from kerasforecast.evaluation.paths import path_lines

        for line in path_lines(found.paths):
            print_wrapped(line)
    for line in after_scoring(manifest):
        print_wrapped(line)
    merged = ""
    if not manifest.config.network.family.trained:
        merged = f", {parameters.saved:,} saved: solved for, not trained" if parameters.saved else ""
    elif parameters.saved > parameters.trained:
        kept = "kept the parent's values" if manifest.lineage else "were solved or are noise"
        merged = f" of {parameters.saved:,} saved: the others {kept}"
    elif parameters.saved < parameters.trained:
        merged = f", {parameters.saved:,} saved: the two bias vectors of a layer are summed"
    what = f"{parameters.trained:,} parameters{merged}" if manifest.in_graph else describe(manifest.members)
    click.echo(f"{paths['model']} ({what})")
    written = [paths[key].name for key in _WRITTEN if key in paths]
    click.echo(f"{paths['metrics'].parent}/ ({', '.join(written)})")


def print_selection(selection: Selection) -> None:
    """The networks that were tried, the best first, and what was decided."""
    from kerasforecast.report.members import board_cells, chosen_line

    header, rows, beside = board_cells(selection, short=True)
    chosen = [row for row, each in zip(rows, selection.tried, strict=True) if each.weight > 0]
    others = [row for row, each in zip(rows, selection.tried, strict=True) if not each.weight]
    shown = [header, *chosen, *beside, *others[: max(0, _BOARD - len(chosen))]]
    columns = [list(column) for column in zip(*shown, strict=True)]
    print_table(columns[:1], columns[1:])
    if len(others) > _BOARD - len(chosen):
        click.echo(f"  and {len(others) - max(0, _BOARD - len(chosen))} more, in the report")
    print_wrapped(f"{chosen_line(selection)} {selection.steps:,} steps in {selection.seconds:,.0f} s.")


def print_importance(importance: Importance) -> None:
    """Which covariates earn their place, a line each."""
    from kerasforecast.evaluation.importance import importance_lines

    print_wrapped("Covariates, shuffled one by one (p-values corrected for their number):")
    for line in importance_lines(importance):
        print_wrapped(f"  {line}")


def after_scoring(manifest: Manifest) -> list[str]:
    """What became of the scored weights, and how they stand beside their parent's, a line each."""
    lines = []
    if (lineage := manifest.lineage) and lineage.test:
        lines.append(f"Parent {lineage.parent}: {lineage.test.text}.")
        if lineage.kept == "parent":
            lines.append(f"Kept the parent: the weights of {lineage.parent} leave, scored on this data.")
    return [*lines, *([manifest.final.line] if manifest.final else [])]


def forecast_rows(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """`[{"date", "forecast", "quantiles"}, ...]`, the id before them where series have ids.

    Args:
        forecasts: As its CSV has it: the ids, if any, `date`, `forecast` and the quantiles.
    """
    first = list(forecasts.columns).index("forecast") + 1
    quantiles = forecasts.iloc[:, first:].rename(columns=lambda name: name.removeprefix("q")).to_dict("records")
    rows = forecasts.iloc[:, :first].to_dict("records")
    return [row | ({"quantiles": each} if each else {}) for row, each in zip(rows, quantiles, strict=True)]
