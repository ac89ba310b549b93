"""The page of an explanation: it opens offline, and says first why the forecast is what it is."""

from __future__ import annotations

import math
from importlib.resources import files

import numpy as np

from kerasforecast.data.numerals import number, numbers
from kerasforecast.explain import drawings
from kerasforecast.explain.findings import Findings, percent, signed
from kerasforecast.explain.memory import CELLS, Memory
from kerasforecast.models.member import describe
from kerasforecast.report.importance import importance_section
from kerasforecast.report.page import Headline, Section, embedded, folded, page, table, text
from kerasforecast.report.paths import reverse_section

_STEPS = 8  # columns of the table of parts
_SLOPES_NOTE = (
    "Below, of the {} rows: how much the answer changes with the marked value. Where it is 1 the value is held until "
    "the end; where it is 0 nothing of it, and so no gradient to learn from, arrives."
)


def explanation_page(found: Findings) -> str:
    """The whole file."""
    manifest, origin = found.manifest, found.origin
    kicker = f"{manifest.name}: {describe(manifest.members)}"
    several = f" of {origin.panel.ids[0]}" if origin.panel.key is not None else ""
    first, difference = found.why.forecast[0], found.why.difference[0]
    sentence = (
        f"{manifest.target}{several} at {origin.dates[0]}: {number(first)}, which is {signed(difference)[1:]} "
        f"{'above' if difference >= 0 else 'below'} the naive forecast"
    )
    sections = [
        *_why_sections(found),
        *_what_if_section(found),
        *_use_sections(found),
        *_parts_section(found),
        *_inside_sections(found),
        *_attention_section(found),
        *([] if found.process is None else [reverse_section(found.process, manifest.target)]),
        *_memory_sections(found.memory),
    ]
    footer = (
        f"kerasforecast. This file needs no network. {found.why.gradients:,} gradients; made in {found.seconds:.1f} s."
    )
    data = f'<script type="application/json" id="explain-data">{embedded(drawings.script_data(found))}</script>'
    scripts = f"{data}<script>{_asset('explain.js')}</script>"
    headline = Headline(kicker, sentence, " ".join(found.lines[1:]), "neutral")
    return page(headline, sections, footer, _asset("explain.css"), scripts)


def _asset(name: str) -> str:
    return (files("kerasforecast.explain") / name).read_text(encoding="utf-8")


def _why_sections(found: Findings) -> list[Section]:
    why, origin = found.why, found.origin
    steps = len(why.forecast)
    told = (
        "Each move of the past, from one row to the next, and what it adds"
        if why.moves
        else "Each row of the past adds what it does by lying where it lies and not at the last value"
    )
    note = (
        f"Integrated gradients on the way from a flat window, in which nothing has changed since ever, to this one. "
        f"{told}; columns known ahead count by how they differ from the last known row. {found.completeness}"
    )
    body = _parts_table(found)
    charts: tuple = (("What each part adds to the naive forecast", drawings.parts_figure(why, origin.dates)),)
    if steps == 1:
        by_lag = Section(
            "Row by row" if not why.moves else "Move by move",
            "What each adds to the forecast, the latest on the right.",
            figures=(("What each row of the past adds", drawings.lag_figure(why)),),
            wide=True,
        )
    else:
        what = "move" if why.moves else "row"
        by_lag = Section(
            f"Every {what} for every step",
            f"A {what} of the past across, the latest on the right; a step ahead downwards. Point at a cell, or move "
            "with the arrow keys, to read it: blue raises the forecast, orange lowers it.",
            '<div class="heat" id="heat-lags"></div>',
            wide=True,
        )
    drawn = (("The forecast after the rows that it knows", drawings.forecast_figure(found)),)
    return [
        Section("The forecast", _forecast_note(found), figures=drawn, wide=True),
        Section("Why it is not the naive forecast", note, figures=charts, after=body, wide=True),
        by_lag,
    ]


def _forecast_note(found: Findings) -> str:
    origin = found.origin
    happened = origin.actual
    if not np.isfinite(happened).any():
        return f"By what was known at {origin.date}."
    error = np.nanmean(np.abs(happened - found.why.forecast))
    naive = np.nanmean(np.abs(happened - found.why.naive))
    return (
        f"By what was known at {origin.date}. It was off by {number(float(error))} on average, the naive forecast by "
        f"{number(float(naive))}."
    )


def _parts_table(found: Findings) -> str:
    why, dates = found.why, found.origin.dates
    few = np.unique(np.linspace(0, len(dates) - 1, min(_STEPS, len(dates))).round().astype(int))
    parts = {**why.parts, "residual": why.residual}
    digits = _decimals(parts)
    apart = [_added(float(value), digits) for part in parts.values() for value in part[few]]
    texts = {"naive": numbers(np.full(len(few), why.naive))}
    texts |= {name: apart[place * len(few) : (place + 1) * len(few)] for place, name in enumerate(parts)}
    texts["forecast"] = numbers(why.forecast[few])
    header = ["", *(str(dates[step]) for step in few)]
    return table(header, [[name, *cells] for name, cells in texts.items()], strong=len(texts) - 1)


def _added(value: float, digits: int) -> str:
    """With its sign; what rounds to zero has none."""
    told = f"{value:+,.{digits}f}"
    return told if told.strip("+-0.,") else told[1:]


def _decimals(parts: dict[str, np.ndarray]) -> int:
    """Decimals with which the largest of the parts has four digits."""
    largest = max(float(np.abs(part).max()) for part in parts.values())
    return max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 0


def _what_if_section(found: Findings) -> list[Section]:
    if found.what_if is None:
        return []
    together = "" if found.what_if.together else " One slider at a time: moving one puts the others back."
    note = (
        "The forecast where columns known ahead are others, in all rows that are forecast: what is added to each, or "
        f"what it is set to. Computed beforehand.{together}"
    )
    body = '<div class="sliders" id="whatif-sliders"></div><div class="plot" id="plot-whatif"></div>'
    return [Section("What if", note, body, wide=True)]


def _use_sections(found: Findings) -> list[Section]:
    sections = importance_section(found.manifest.metrics)
    reach = found.reach
    if reach is None:
        return sections
    seen = "that it has not learned from" if reach.unseen else "of the data, which it has learned from"
    note = (
        f"{found.reach_line} By how much the error rises on {reach.windows:,} windows {seen}, where the target and the "
        "columns of the past are held at one value before so many last rows."
    )
    drawn = (("Error by rows that are left as they are", drawings.reach_figure(reach)),)
    return [*sections, Section("How far back it looks", note, figures=drawn, wide=True)]


def _parts_section(found: Findings) -> list[Section]:
    if not found.parts:
        return []
    drawn = drawings.inner_figures(found)
    note = "What the forecast is the sum of, by the network itself."
    return [Section("Trend and season", note, "", drawn, wide=True)]


def _inside_sections(found: Findings) -> list[Section]:
    if found.inside is None:
        return []
    lives = found.inside.layers[0].half_lives is not None
    order = (
        "Units from those that remember longest downwards, by the half-life that the gate which keeps leaves them"
        if lives
        else "Units in their own order: a plain RNN has no gate that says how long they remember"
    )
    note = (
        f"Gates and states of {found.inside.member.network.describe()} under the target, row by row of the window. "
        f"{order}. Point at a cell, or move with the arrow keys, to compare all gates of a unit there."
    )
    body = '<div class="choices" id="inside-choices"></div><div class="heat" id="heat-inside"></div>'
    sections = [Section("Inside", note, body, wide=True)]
    if found.states is not None:
        share = found.states.share
        note = (
            "Choose a stretch: these are others after which the last layer held much the same, and what followed them. "
            f"Compared along {found.states.values.shape[1]} directions, which hold {100 * share:.0f} % of all variance."
        )
        body = (
            '<div class="sliders" id="stretch-sliders"></div><div class="plot" id="plot-stretch"></div>'
            '<p class="said" id="stretch-said" aria-live="polite"></p>'
            '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table id="stretch-table"></table></div>'
            '<div class="plot" id="plot-followed"></div>'
        )
        sections.append(Section("Where its states looked alike", note, body, wide=True))
    return sections


def _attention_section(found: Findings) -> list[Section]:
    if found.attention is None:
        return []
    note = (
        "A row is what one patch takes from every other, the mean of all heads; it sums to 1. Point at a cell, or move "
        "with the arrow keys, to read it."
    )
    body = '<div class="choices" id="attention-choices"></div><div class="heat" id="heat-attention"></div>'
    return [Section("Attention over patches", note, body, wide=True)]


def _memory_sections(memory: Memory | None) -> list[Section]:
    if memory is None:
        return []
    rows = [[each.name, str(each.reach)] for each in memory.fading]
    size = f"{memory.layers} x {memory.units} units"
    note = (
        f"The size of the gradient of the next step's forecast by each row of the scaled window, mean over windows: of "
        f"this model, and of RNN, LSTM and GRU of {size} on the same data, before and after a short training. Keras "
        "starts a plain RNN from an orthogonal matrix, which fades gradients less than a gate that is half open; what "
        "training makes of them shows in the task below."
    )
    reach = table(["", "rows back with 1 % of the largest"], rows)
    drawn = (("Size of the gradient by rows back", drawings.fading_figure(memory.fading)),)
    sections = [Section("How gradients fade", note, figures=drawn, after=folded("In numbers", reach), wide=True)]
    header = ["rows", *(f"{cell}{where}" for cell in CELLS for where in ("", ", far back")), "seconds"]
    lines = [
        [
            str(task.rows),
            *(percent(part) for cell in CELLS for part in task.errors[cell]),
            f"{task.seconds:.0f}",
        ]
        for task in memory.recall
    ]
    failing = [task.rows for task in memory.recall if not task.held("rnn") and task.held("lstm")]
    told = f" At {' and '.join(map(str, failing))} rows the plain RNN fails and the LSTM holds." if failing else ""
    note = (
        "Random numbers, one of which is marked; at the window's end the network is to say which it was. Squared error "
        "as a share of that of guessing the mean: over all windows, and where the value lies in their first quarter. "
        f"Each of 16 units, trained alike.{told}"
    )
    longest = memory.recall[-1]
    body = f"{table(header, lines)}<p>{text(_SLOPES_NOTE.format(longest.rows))}</p>"
    recalled = ((f"Gradient by the marked value, {longest.rows} rows", drawings.recall_figure(longest)),)
    return [*sections, Section("A task for memory", note, body, recalled, wide=True)]
