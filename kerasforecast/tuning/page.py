"""The page of a study: what came of it, its stages as a path, and every trial with its curves."""

from __future__ import annotations

from kerasforecast.evaluation.verdict import Tone
from kerasforecast.report.page import Headline, Section, facts, folded, page, table, text
from kerasforecast.report.scores import option_tables
from kerasforecast.tuning import figures
from kerasforecast.tuning.record import StudyRecord, shown_value
from kerasforecast.tuning.tables import stage_rows, trial_cells

_STYLE = """
.path { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.path li { position: relative; }
.path li + li::before { content: "\\2192"; position: absolute; left: -1.25rem; color: var(--soft); }
.path b { color: var(--model); }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .9rem 1.2rem; }
.curves figure { margin: 0; }
.curves figcaption { font-size: .82rem; color: var(--soft); }
.curves figcaption b { color: var(--ink); font-weight: 600; }
.curves .best b { color: var(--model); }
"""
_DRAWN = 120  # trials whose curves a page has room for


def study_page(record: StudyRecord) -> str:
    """The page, whole, from the record alone."""
    sections = [
        *([_stages(record)] if record.stages else []),
        Section("Trial after trial", "The line is the least error so far.", "", (("Errors", figures.path(record)),)),
        Section(
            "Error against seconds",
            "Trials on the dotted line have the least error for their seconds of training.",
            "",
            (("Error and seconds", figures.cost(record)),),
        ),
        Section(
            "Options of all trials",
            "A line a trial: blue is the winner, green are the best quarter.",
            "",
            (("Parallel coordinates", figures.parallel(record)),),
            wide=True,
        ),
        Section(
            "Which options mattered",
            "The share of the differences between errors that each option alone explains. Stages vary one option at a "
            "time, so that it is of their paths, not of the whole space.",
            "",
            (("Importance", figures.importance(record)),),
            wide=True,
        ),
        _curves(record),
        _test(record),
        _trials(record),
        _provenance(record),
    ]
    footer = f"kerasforecast {record.versions.get('kerasforecast')}, {record.created}. This file needs no network."
    return page(_headline(record), sections, footer, _STYLE)


def _headline(record: StudyRecord) -> Headline:
    best, measure = record.trial(record.best), record.measure
    error, default = best.error(measure), record.trial(record.default).error(measure)
    lead = f"Trial {best.number} of {len(record.trials)} ({best.told()}): {measure.upper()} on validation {error:.4f}"
    lead += f", untuned {default:.4f}." if default is not None else ", the untuned options came to no error."
    lead += " The test part was scored once, at the end, for these two."
    tone: Tone = "good" if record.helped else ("bad" if "did harm" in record.sentence else "neutral")
    return Headline(f"{record.name}: tuning {record.target}", record.sentence, lead, tone)


def _stages(record: StudyRecord) -> Section:
    steps = "".join(
        f"<li>{text(stage.option)} {text(shown_value(stage.before))}"
        + (f" → <b>{text(shown_value(stage.kept))}</b>" if stage.kept != stage.before else " kept")
        + "</li>"
        for stage in record.stages
    )
    parts = []
    for number, stage in enumerate(record.stages, 1):
        head, rows, kept = stage_rows(record, stage)
        said = f"<p>{text(stage.suggested)}</p>" if stage.suggested else ""
        said += f"<p>{text(f'Stage {number}, {stage.option}: {stage.found}')}</p>"
        parts.append(f"{said}{table(head, rows, kept)}")
    note = "Each stage tries the values of one option with the best of the others so far, and keeps its winner."
    return Section("The path", note, f'<ol class="path">{steps}</ol>{"".join(parts)}', wide=True)


def _curves(record: StudyRecord) -> Section:
    drawn = [trial for trial in record.trials if trial.curve][:_DRAWN]
    parts = []
    for trial in drawn:
        curve, error = trial.curve, trial.error(record.measure)
        if curve is None:
            continue
        best = ' class="best"' if trial.number == record.best else ""
        told = trial.status if error is None else f"{error:.4f}"
        caption = f"<b>{trial.number}. {text(trial.told())}</b><br>{text(told)}, {text(curve.reading)}"
        parts.append(f"<figure{best}>{figures.sparkline(curve)}<figcaption>{caption}</figcaption></figure>")
    more = f" The first {_DRAWN} of {len(record.trials)}." if len(record.trials) > _DRAWN else ""
    note = f"Training dark, validation blue, each on its own scale, and how the curves read.{more}"
    return Section("Curves", note, f'<div class="curves">{"".join(parts)}</div>', wide=True)


def _test(record: StudyRecord) -> Section:
    pairs = [("tuned", record.tuned), ("untuned", record.untuned)]
    cells = [
        [name, *("-" if value is None else f"{value:.4g}" for value in (each.rmse, each.mase)), each.verdict]
        for name, each in pairs
        if each is not None
    ]
    note = f"After {len(record.trials)} trials. Between the two: {record.test or 'the untuned options have won'}."
    return Section("The test part, once", note, table(["", "RMSE", "MASE", "verdict"], cells), wide=True)


def _trials(record: StudyRecord) -> Section:
    head = ["trial", record.measure.upper(), "of naive", "epochs", "seconds", "curves"]
    rows = [[f"{trial.number}  {trial.told()}", *trial_cells(trial, record)] for trial in record.trials]
    strong = next(place for place, trial in enumerate(record.trials) if trial.number == record.best)
    failed = [
        [str(trial.number), each.error] for trial in record.trials for each in trial.attempts if each.error is not None
    ]
    why = folded("Why trials have no error", table(["trial", "said"], failed)) if failed else ""
    return Section("Every trial", "", folded(f"{len(rows)} trials", table(head, rows, strong)) + why, wide=True)


def _provenance(record: StudyRecord) -> Section:
    pairs: list[tuple[str, object]] = [
        ("Chosen", f"{record.kind}, by {record.measure.upper()} on validation"),
        ("Seeds and rounds", f"{record.seeds} and {record.rounds}"),
        *((f"Tried: {name}", values) for name, values in record.tried.items()),
        ("Data", record.data),
        ("Backend", f"{record.backend} on {record.device}"),
        *((name, version) for name, version in record.versions.items() if version),
    ]
    options = folded("Every untuned option", option_tables(record.config.model_dump(mode="json")))
    return Section("Configuration and provenance", "", facts(pairs) + options, wide=True)
