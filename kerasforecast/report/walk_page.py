"""The reports of a backtest and of a comparison."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kerasforecast.evaluation.tables import as_written
from kerasforecast.evaluation.verdict import spoken
from kerasforecast.evaluation.walk import FoldRecord, WalkRecord
from kerasforecast.report import figures
from kerasforecast.report.page import Headline, Section, facts, folded, page, table
from kerasforecast.report.parts import (
    LEAD_NOTE,
    calibration,
    drawn,
    happened,
    leads,
    paths_note,
    steps_ahead,
    steps_of,
)
from kerasforecast.report.scores import (
    BOARD_KEYS,
    FOLD_KEYS,
    SCALED_BOARD_KEYS,
    SCALED_FOLD_KEYS,
    evidence,
    option_tables,
    score_cells,
    score_table,
)

_DRAWN = 20  # folds in the drawing of the walk, and models in charts of lines, that a page has room for


def walk_report(record: WalkRecord, table: pd.DataFrame) -> str:
    """The page of a backtest or a comparison, whole, from its record and its table of forecasts."""
    forecasts = as_written(table)
    sections = [_board(record)]
    if record.kind == "backtest":
        model = record.models[0]
        totals = {row["model"]: row for row in record.over_all()}
        lines = [] if record.several else _lines(record, forecasts.rename(columns={"forecast": model}))
        sections += [*_folds(record), *calibration(forecasts, record.levels, totals[model]), *lines]
        sections += steps_ahead(totals[model], totals["naive"], "rmsse" if record.several else "rmse")
    else:
        sections += [_bars(record), *([] if record.several else _lines(record, forecasts))]
    sections.append(_configuration(record))
    footer = f"kerasforecast {record.versions.get('kerasforecast')}, {record.created}. This file needs no network."
    return page(_headline(record), sections, footer)


def _headline(record: WalkRecord) -> Headline:
    board = record.over_all()
    count = int(board[0]["n"])
    if record.kind == "backtest":
        judgement = record.judgement(record.models[0])
        each = "trained anew for each fold" if record.walk and record.walk.refit else "trained once, before the first"
        lead = f"{evidence(judgement)} {_counted(count, board)} in {len(record.folds)} folds, {each}; "
        lead += "each model saw only rows before its fold."
        return Headline(f"{record.name}: backtest on {record.target}", judgement.sentence, lead, judgement.tone)
    best = next(row["model"] for row in board if row["model"] in record.verdicts)
    judgement, first = record.judgement(best), board[0]["model"]
    ahead = "" if first == best else f" The smallest error is that of {spoken(str(first))}."
    origins = _counted(count, board, "origins")
    lead = f"{evidence(judgement)} {len(record.models)} models and every baseline on the same {origins} of the "
    lead += f"test part.{ahead}"
    sentence = f"Best model: {best}. {judgement.sentence}"
    return Headline(f"{record.name}: comparison on {record.target}", sentence, lead, judgement.tone)


def _counted(count: int, board: list[dict[str, Any]], what: str = "forecasts") -> str:
    series = f" of {board[0]['series']:,} series" if board[0].get("series") else ""
    return f"{count:,} {what}{series}"


def _board(record: WalkRecord) -> Section:
    board = {str(row["model"]): row for row in record.over_all()}
    strong = next(place for place, name in enumerate(board) if name in record.verdicts)
    note = "DM p: how often chance alone would put errors, or CRPS, this far from the naive forecast's. "
    if record.several:
        note += "Scores are means over series, each in the units of its own changes. "
    note += " ".join(record.notes)
    keys = SCALED_BOARD_KEYS if record.several else BOARD_KEYS
    body = score_table(board, strong, keys) + folded("Every score", score_table(board, strong))
    return Section("Leaderboard", note.strip(), body, wide=True)


def _folds(record: WalkRecord) -> list[Section]:
    ours = record.of(record.models[0])
    ratios = {record.models[0]: [row["relative_rmse"] for row in ours]}
    header, cells = score_cells(ours, SCALED_FOLD_KEYS if record.several else FOLD_KEYS)
    counted = [[f"{fold.series:,}"] if record.several else [] for fold in record.folds]
    rows = [
        [str(fold.fold), f"{fold.start} to {fold.end}", f"{fold.train:,}", f"{row['n']:,}", *counted[place], *cell]
        for place, (fold, row, cell) in enumerate(zip(record.folds, ours, cells, strict=True))
    ]
    figure = figures.against_naive([str(fold.fold) for fold in record.folds], ratios)
    body = table(["fold", "forecast", "learned from", "n", *(["series"] if record.several else []), *header], rows)
    score = "RMSSE" if record.several else "RMSE"
    note = f"The bars are each fold's {score} as a ratio to the naive forecast's: below 1 is better."
    return [
        Section("Folds", note, body, ((f"{score} by fold, over that of naive", figure),), wide=True),
        Section("The walk", "What each fold learned from, validated on and forecast.", _timeline(record), wide=True),
    ]


def _timeline(record: WalkRecord) -> str:
    """A bar a fold, over the rows of the whole series."""
    whole = max(fold.skipped + fold.train + fold.validation + fold.gap + fold.test for fold in record.folds)
    bars = "".join(_bar(fold, whole) for fold in record.folds[:_DRAWN])
    names = "".join(f'<div class="{part}">{part}</div>' for part in ("train", "validation", "test"))
    more = f"<p>The first {_DRAWN} of {len(record.folds)} folds.</p>" if len(record.folds) > _DRAWN else ""
    return f'{bars}<div class="legend">{names}</div>{more}'


def _bar(fold: FoldRecord, whole: int) -> str:
    parts = [("", fold.skipped), ("train", fold.train), ("validation", fold.validation), ("", fold.gap)]
    parts += [("test", fold.test)]
    parts += [("", whole - sum(rows for _, rows in parts))]
    spans = "".join(f'<span class="{name}" style="flex:{rows}"></span>' for name, rows in parts if rows)
    return f'<div class="timeline slim" title="fold {fold.fold}">{spans}</div>'


def _bars(record: WalkRecord) -> Section:
    rows = [row for row in record.over_all() if row["relative_rmse"] is not None]
    scaled = ("RMSSE", "scaled CRPS") if record.several else ("RMSE", "CRPS")
    ratios = {
        title: [row[key] for row in rows]
        for title, key in zip(scaled, ("relative_rmse", "relative_crps"), strict=True)
        if any(row[key] is not None for row in rows)
    }
    figure = figures.against_naive([str(row["model"]).replace("_", " ") for row in rows], ratios)
    note = f"{' and '.join(scaled)} as ratios to the naive forecast's: below 1 is better."
    return Section("Error against naive", note, "", (("Errors over those of naive", figure),), wide=True)


def _lines(record: WalkRecord, forecasts: pd.DataFrame) -> list[Section]:
    models = {name: name for name in record.models[:_DRAWN]}
    lead = figures.lead(*leads(forecasts, models))
    opened = max(figures.OPENED_ON, 4 * steps_of(forecasts))
    over = drawn(forecasts, models | {"naive": "naive"}, record.levels)
    period = figures.test_period(*happened(forecasts), over, opened, record.target)
    note = f"What happened and what was forecast: {paths_note(forecasts)}."
    return [
        Section("Lead over naive", LEAD_NOTE, "", (("Lead over naive in percent", lead),), wide=len(models) > 1),
        Section("Forecasts", note, "", (("Actual and forecasts", period),), wide=True),
    ]


def _configuration(record: WalkRecord) -> Section:
    network = record.config.network
    pairs: list[tuple[str, object]] = [
        ("Window and horizon", f"{network.window} rows, {network.horizon} ahead"),
        ("Scaling", network.scaling),
        ("Data", record.data),
        ("Backend", f"{record.backend} on {record.device}"),
        *((name, version) for name, version in record.versions.items() if version),
    ]
    sections = record.config.model_dump(mode="json")
    if record.walk:
        sections["walk"] = record.walk.model_dump(mode="json")
    options = folded("Every option", option_tables(sections))
    return Section("Configuration and provenance", "", facts(pairs) + options, wide=True)
