"""The report of a fit: the verdict, what was forecast and what happened, how training went, where all came from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.frequency import in_words
from kerasforecast.data.numerals import number
from kerasforecast.evaluation.cold_start import held_out_line
from kerasforecast.evaluation.verdict import judged
from kerasforecast.metrics.point import rmse
from kerasforecast.models.member import describe, scaling_words
from kerasforecast.report import figures
from kerasforecast.report.composition import parts_sections
from kerasforecast.report.finished import FinishedFit
from kerasforecast.report.importance import importance_section
from kerasforecast.report.members import members_section
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.page import Headline, Section, facts, folded, page, text
from kerasforecast.report.panel_page import ManySeries
from kerasforecast.report.parts import (
    LEAD_NOTE,
    calibration,
    drawn,
    happened,
    leads,
    paths_note,
    steps_ahead,
    steps_of,
    subject,
)
from kerasforecast.report.paths import path_lines_of, path_sections
from kerasforecast.report.scores import contestants, evidence, option_tables, score_table

_MODEL, _FORECASTS = {"model": "forecast"}, {"forecast": "forecast", "naive": "naive"}


def fit_report(fit: FinishedFit) -> str:
    """The page of a fit, whole."""
    many = ManySeries.of(fit) if fit.several else None
    if many is not None:
        return _page(fit, _headline(fit, many.counted), _sections_of_many(fit, many), *many.scripts())
    sections = [
        *_outlook(fit),
        *parts_sections(fit.parts, fit.manifest.target),
        _scores(fit),
        *_paths(fit),
        *_charts(fit),
        *importance_section(fit.manifest.metrics),
        *members_section(fit.manifest),
        *_training(fit),
        *_errors(fit),
        _split(fit.manifest),
    ]
    sections.append(_configuration(fit.manifest))
    return _page(fit, _headline(fit), sections)


def _page(fit: FinishedFit, headline: Headline, sections: list[Section], style: str = "", scripts: str = "") -> str:
    versions = fit.manifest.versions
    footer = f"kerasforecast {versions.get('kerasforecast')}, {fit.manifest.created}. This file needs no network."
    return page(headline, sections, footer, style, scripts)


def _sections_of_many(fit: FinishedFit, many: ManySeries) -> list[Section]:
    test = fit.metrics["test"]
    return [
        *many.each(),
        *many.side_by_side(),
        many.scores(),
        *calibration(fit.forecasts, fit.levels, test["model"]),
        *_paths(fit),
        *many.over_steps_and_dates(),
        *importance_section(fit.manifest.metrics),
        *members_section(fit.manifest),
        *_training(fit),
        _split(fit.manifest),
        _configuration(fit.manifest),
    ]


def _headline(fit: FinishedFit, counted: str = "") -> Headline:
    judgement, test = judged(fit.metrics["test"]), fit.metrics["test"]
    parts = fit.manifest.data.split if fit.manifest.data else {}
    span = f", {parts['test'].start} to {parts['test'].end}" if "test" in parts else ""
    whose = f"the test parts of {counted}" if counted else "the test part"
    lead = f"{evidence(judgement)} Measured on {test['n']:,} forecasts of {whose}{span}, which training never saw."
    if held := fit.metrics.get("held_out"):
        lead += f" {held_out_line(test, held, judged(held).text)}."
    if (selection := fit.manifest.selection) and selection.beaten:
        lead += f" Networks were chosen on validation. {selection.beside_line}"
    kicker = f"{fit.manifest.name}: forecasts of {fit.manifest.target}"
    return Headline(kicker, judgement.sentence, lead, judgement.tone)


def _outlook(fit: FinishedFit) -> list[Section]:
    if fit.ahead is None:
        return []
    name, target = fit.manifest.name, fit.manifest.target
    if fit.series is not None:
        outlook = Outlook.after(name, fit.series, fit.ahead, fit.levels)
    else:
        outlook = Outlook.of(name, target, *happened(fit.forecasts), fit.ahead, fit.levels)
    return [replace(outlook, paths=path_lines_of(fit.process)).section()]


def _paths(fit: FinishedFit) -> list[Section]:
    found = fit.manifest.metrics.paths if fit.manifest.metrics else None
    return path_sections(found, fit.process, fit.manifest.target)


def _scores(fit: FinishedFit) -> Section:
    test = fit.metrics["test"]
    note = "In the units of the data, on the test part; the same numbers as in metrics.json."
    return Section("Scores", note, score_table(contestants(test)), wide=True)


def _charts(fit: FinishedFit) -> list[Section]:
    table, target = fit.forecasts, fit.manifest.target
    over, several = drawn(table, _FORECASTS, fit.levels), paths_note(table)
    sections = []
    if fit.series is not None:
        stamps, values = fit.series.index, fit.series.values[:, 0]
        figure = figures.whole_series(stamps, values, over, _starts(fit.manifest), target)
        note = f"The whole series, with the forecasts of the test part: {several}."
        title = f"{subject(target)} and forecasts"
        sections.append(Section(title, note, "", (("The series with forecasts", figure),), wide=True))
    opened = max(figures.OPENED_ON, 4 * steps_of(table))
    figure = figures.test_period(*happened(table), over, opened, target)
    note = f"What happened, the model's forecast, and the naive one, the last value known: {several}."
    sections.append(Section("Test part", note, "", (("Actual, forecast and naive", figure),), wide=True))
    figure = figures.lead(*leads(table, _MODEL))
    sections.append(Section("Lead over naive", LEAD_NOTE, "", (("Lead over naive in percent", figure),)))
    test = fit.metrics["test"]
    held = calibration(table, fit.levels, test["model"])
    over_steps = steps_ahead(test["model"], test["naive"])
    return [*sections, *held, *over_steps, _over_time(table, wide=len(held) == 1)]


def _over_time(table: pd.DataFrame, *, wide: bool) -> Section:
    """By eighths of the test part."""
    pieces = [piece for piece in np.array_split(np.arange(len(table)), 8) if len(piece)]
    starts = [str(table["date"].iloc[piece[0]]) for piece in pieces]
    days = [start[:10] for start in starts]
    names = days if len(set(days)) == len(days) else starts  # two bars of one name would stand on one another
    actual, ours, naive = (table[name].to_numpy() for name in ("actual", "forecast", "naive"))
    errors = [(rmse(actual[piece], ours[piece]), rmse(actual[piece], naive[piece])) for piece in pieces]
    ratios = [None if not theirs else mine / theirs for mine, theirs in errors]
    figure = figures.against_naive(names, {"model": ratios})
    note = (
        "RMSE as a ratio to the naive forecast's, in eighths of the test part by their first date: below 1 is better."
    )
    return Section("Error over time", note, "", (("RMSE over that of naive", figure),), wide=wide)


def _training(fit: FinishedFit) -> list[Section]:
    history, record, members = fit.history, fit.manifest.training, fit.manifest.members
    if not members[0].network.family.trained or (len(members) > 1 and len(history) == 1):  # what is solved has no curve
        return []
    found = fit.metrics.get("diagnosis") or {}
    best = record.best_epoch if record else int(history["epoch"][history["val_loss"].argmin()])
    loss, val_loss, rates = (history[name].to_numpy(np.float64) for name in ("loss", "val_loss", "learning_rate"))
    figure = figures.losses(history["epoch"].to_numpy(), loss, val_loss, rates, best, naive=found.get("naive_val_loss"))
    words = f"{found['name'].capitalize()}: {found['text']}; {found['advice']}." if found else ""
    note = f"{words} Epoch {best} of {len(history)} was kept."
    if len(members) > 1:
        note = f"Of the member with the largest share, {members[0].network.describe()}. {note.strip()}"
    if fit.manifest.final:
        note = f"{note} {fit.manifest.final.line}"
    return [Section("Loss curves", note.strip(), "", (("Loss by epoch", figure),), wide=True)]


def _errors(fit: FinishedFit) -> list[Section]:
    table = fit.forecasts
    first = table[table["step"] == 1] if "step" in table else table
    errors = (first["actual"] - first["forecast"]).to_numpy(np.float64)
    if len(errors) < 8:
        return []
    mean = f"One step ahead: mean {number(errors.mean())}, standard deviation {number(errors.std())}."
    dependence = "Bars within the dotted lines are what chance leaves; a bar beyond is a pattern the model missed."
    return [
        Section("Errors", mean, "", (("Histogram of errors", figures.residuals(errors)),)),
        Section(
            "Autocorrelation of errors",
            dependence,
            "",
            (("Autocorrelation of errors", figures.autocorrelation(errors)),),
        ),
    ]


def _split(manifest: Manifest) -> Section:
    if manifest.data is None:
        return Section("Split", "Not recorded.")
    bars, legend = [], []
    for part, record in manifest.data.split.items():
        bars.append(f'<span class="{text(part)}" style="flex:{record.rows}"></span>')
        words = f"{record.rows:,} rows, {record.windows:,} windows"
        span = f"{record.start} to {record.end}"
        legend.append(f'<div class="{text(part)}">{text(part)}: {text(words)}<small>{text(span)}</small></div>')
    body = f'<div class="timeline">{"".join(bars)}</div><div class="legend">{"".join(legend)}</div>'
    chose = "the networks" if manifest.selection else "the epoch"
    found = f"Scaling and weights come from training; validation chose {chose}"
    if not manifest.in_graph or not manifest.config.network.family.trained:
        found = "There is nothing to train; intervals come from validation"
    note = f"In the order of time. {found}; test only scored."
    return Section("Split", note, body, wide=True)


def _configuration(manifest: Manifest) -> Section:
    network, data = manifest.config.network, manifest.data
    pairs: list[tuple[str, object]] = [
        ("Network", describe(manifest.members)),
        ("Window and horizon", f"{manifest.window} rows, {network.horizon} ahead"),
        ("Scaling", ", ".join(dict.fromkeys(scaling_words(each.network) for each in manifest.members))),
        ("Parameters", f"{manifest.parameters.trained:,} trained, {manifest.parameters.saved:,} saved"),
        ("Backend", f"{manifest.backend} on {manifest.device}"),
        ("Made", manifest.created.replace("T", " ").replace("+00:00", " UTC")),
    ]
    if data:
        pairs += [
            ("Data", f"{data.source} {data.location}".strip()),
            ("Rows", f"{data.rows:,}, {data.start} to {data.end}"),
            ("Frequency", data.calendar or _step(data.frequency)),
            ("SHA-256 of the data", f"{data.sha256[:16]}..."),
        ]
    if chosen := manifest.selection:
        pairs.append(("Choice", f"{chosen.seconds:,.0f} s, {len(chosen.tried)} networks, {chosen.steps:,} steps"))
    elif manifest.training and network.family.trained:
        whose = " of the parent" if manifest.lineage and manifest.lineage.kept == "parent" else ""
        record = manifest.training
        pairs.append((f"Training{whose}", f"{record.seconds:,.0f} s, {record.epochs} epochs"))
    pairs += [(name, version) for name, version in manifest.versions.items() if version]
    options = folded("Every option", option_tables(manifest.config.model_dump(mode="json")))
    return Section("Configuration and provenance", "", facts(pairs) + options, wide=True)


def _starts(manifest: Manifest) -> dict[str, Any]:
    split = manifest.data.split if manifest.data else {}
    return {part: record.start for part, record in split.items() if part != "train"}


def _step(frequency: str | None) -> str:
    """A step in words; a stranger's file may call it anything."""
    try:
        return in_words(frequency) if frequency else "steps"
    except ValueError:
        return str(frequency)
