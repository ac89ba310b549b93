"""The sections of a fit's report that speak of many series: each of them, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.errors import printable
from kerasforecast.report import panel_figures
from kerasforecast.report.carried import MOST, NUMBERS, carried
from kerasforecast.report.curves import curves, room
from kerasforecast.report.finished import FinishedFit
from kerasforecast.report.page import Section, embedded, folded, page_asset, text
from kerasforecast.report.parts import steps_of
from kerasforecast.report.ranked import ENDS, Ranked
from kerasforecast.report.scores import score_table
from kerasforecast.report.traces import figure, label, titled

_SCORES = (
    *("mase", "median_mase", "rmsse", "median_rmsse", "smape", "median_smape", "scaled_crps", "median_scaled_crps"),
    "coverage",
)
_NOTE = "This list needs JavaScript; series.csv beside this page has the scores of every series."


@dataclass(frozen=True, eq=False)
class ManySeries:
    """What the report of a fit shows of its series."""

    fit: FinishedFit
    ranked: Ranked

    @classmethod
    def of(cls, fit: FinishedFit) -> ManySeries:
        """Of a fit of several series."""
        return cls(fit, Ranked.of(fit))

    @property
    def counted(self) -> str:
        """How many series were scored, and how many could not be, in a few words."""
        scored = self.fit.metrics["test"].get("series") or self.ranked.scored
        unscored = len(self.ranked) - scored
        more = f" ({unscored:,} more {'has' if unscored == 1 else 'have'} no score)" if unscored else ""
        return f"{scored:,} series{more}"

    @cached_property
    def places(self) -> np.ndarray:
        """Which of the series the page holds."""
        tail, tested = room(self.fit, self.ranked)
        ahead = steps_of(self.fit.ahead) if self.fit.ahead is not None else 0
        ahead = max(ahead, self.fit.manifest.config.steps)
        return self.ranked.sample(min(MOST, NUMBERS // (tail + 3 * tested + 3 * ahead)))

    def each(self) -> list[Section]:
        """A series chosen by its id; how all of them compare with the best simple forecast."""
        chosen = Section(
            "Series by series",
            self._about_curves(),
            _PICKER.format(key=text(self._key), hint=text(f"Type a {self._key}")),
            wide=True,
        )
        return [chosen, *self._distribution()]

    def side_by_side(self) -> list[Section]:
        """The best, the median and the worst series as small pictures, and the list of all."""
        if not self.ranked.scored:
            return [self._list()]
        few = self.ranked.scored <= 3 * ENDS
        title = f"All {self.ranked.scored} series with a score" if few else f"The best, the median and the worst {ENDS}"
        note = "By MASE, the mean absolute error over that of a naive forecast within the training part; smaller is "
        note += "better. Each has a scale of its own. Choose one to see it above."
        parts = "".join(
            f'<h3>{text(name.capitalize())}</h3><div class="smalls" id="smalls-{name}"></div>'
            if not few
            else f'<div class="smalls" id="smalls-{name}"></div>'
            for name in self.ranked.ends()
        )
        return [Section(title, note, parts, wide=True), self._list()]

    def scores(self) -> Section:
        """Means and medians over series of every contestant."""
        test = self.fit.metrics["test"]
        named = {name: each for name, each in test.items() if isinstance(each, dict) and "rmse" in each}
        note = "Means and medians over the series of the test part; the same numbers as in metrics.json. Errors in the "
        note += "units of the data, below, are mostly those of the largest series."
        body = score_table(named, keys=_SCORES) + folded("Every score", score_table(named))
        return Section("Scores", note, body, wide=True)

    def over_steps_and_dates(self) -> list[Section]:
        """Scaled errors by steps ahead and by date: what can be averaged over series of different size."""
        forecasts, code = self.fit.forecasts, self.ranked.code
        actual = forecasts["actual"].to_numpy(np.float64)
        errors = {
            name: np.abs(forecasts[column].to_numpy(np.float64) - actual)
            for name, column in (("model", "forecast"), ("naive", "naive"))
        }
        scales = self.ranked.scales(errors["model"], errors["naive"])
        unit = np.where(code >= 0, scales[code], np.nan)
        rows = np.flatnonzero(np.isfinite(unit))
        if not len(rows):
            return []
        scaled = {name: each[rows] / unit[rows] for name, each in errors.items()}
        sections = []
        several = steps_of(forecasts) > 1
        if several:
            steps = forecasts["step"].to_numpy(np.int64)[rows]
            found = {name: _means(steps - 1, each) for name, each in scaled.items()}
            drawn = panel_figures.by_step(range(1, int(steps.max()) + 1), found)
            note = "The absolute error in units of each series' own MASE, its mean over all series by steps ahead."
            sections.append(Section("Error by steps ahead", note, "", (("Mean scaled error by step", drawn),)))
        codes, dates = pd.factorize(forecasts["date"].iloc[rows], sort=True)
        if len(dates) > 1:
            found = {name: _means(codes, each) for name, each in scaled.items()}
            drawn = panel_figures.by_date(dates.tolist(), found)
            note = "The same by the date that was forecast" if several else "The mean scaled error over all series"
            note += ": where many series miss on one day, something happened to all of them."
            sections.append(Section("Error by date", note, "", (("Mean scaled error by date", drawn),)))
        alone = (len(sections) + bool(self.fit.levels)) % 2 == 1  # the calibration stands before them
        return [*sections[:-1], replace(sections[-1], wide=True)] if alone and sections else sections

    def scripts(self) -> tuple[str, str]:
        """Style, and scripts with the series in them, that the page needs beside its own."""
        fit, drawn = self.fit, curves(self.fit, self.ranked, self.places)
        head, blob = carried(self.ranked, self.places, drawn)
        looks = figure([], xaxis={"automargin": True}, yaxis=titled(fit.manifest.target))["layout"]
        head |= {
            "key": printable(self._key),
            "looks": looks,
            "target": label(fit.manifest.target),
            "total": len(self.ranked),
        }
        script = "\n".join(page_asset(name) for name in ("panel_data.js", "panel_draw.js", "panel.js"))
        return page_asset("panel.css"), (
            f'<script type="application/json" id="series">{embedded(head)}</script>\n'
            f'<script type="text/plain" id="curves">{blob}</script>\n<script>{script}</script>\n'
        )

    @property
    def _key(self) -> str:
        return self.fit.key or "series"

    def _about_curves(self) -> str:
        interval = " with an interval" if self.fit.levels else ""
        note = (
            f"The last rows that are known, the last forecasts of the test part{interval} against what happened, and "
        )
        note += "the forecast of the rows to come. It opens on the median series by MASE."
        if len(self.places) < len(self.ranked):
            note += f" This page has room for {len(self.places):,} of {len(self.ranked):,} series: the best, the "
            note += "median and the worst, and others evenly between; series.csv has the scores of all."
        return note

    def _distribution(self) -> list[Section]:
        ours, theirs = self.ranked.mase, self.ranked.rival("best")
        given = self.fit.metrics["test"].get("better")
        shares = given if isinstance(given, Mapping) else {}
        best, naive = (_share(shares.get(name), self.ranked.share_better(name)) for name in ("best", "naive"))
        if best is None:
            return []
        drawn, beyond = panel_figures.ratios(ours, theirs)
        note = (
            f"On {best:.0%} of {self.ranked.scored:,} series the model has a smaller MASE than the best simple forecast"
        )
        note += "." if naive is None else f", and on {naive:.0%} a smaller one than the naive forecast."
        note += " Left of 1 it is the better one."
        note += " The outermost bars hold all that lies beyond." if beyond else ""
        dots = '<div class="chart" id="pairs-chart" role="img" aria-label="A dot for each series: its MASE by the best '
        dots += 'simple forecast across, that of the model upwards."></div>'
        beside = "Each dot is a series; below the line the model is the better one. Choose one to see it above."
        label_of = "Series by the MASE of the model over that of the best simple forecast"
        return [
            Section("How series differ", note, "", ((label_of, drawn),)),
            Section("The model against the best simple forecast", beside, dots),
        ]

    def _list(self) -> Section:
        note = f"{self.counted}; a heading sorts, the box filters, a {self._key} is shown above when it is chosen."
        sampled = len(self.places) < len(self.ranked)
        note += f" {len(self.places):,} of them are on this page, all are in series.csv." if sampled else ""
        return Section("Every series", note, _LIST.format(key=text(self._key), note=text(_NOTE)), wide=True)


_PICKER = """<div class="picker"><label for="series-search">{key}</label>
<div class="box"><input id="series-search" type="search" role="combobox" aria-expanded="false" \
aria-autocomplete="list" aria-controls="series-found" autocomplete="off" spellcheck="false" placeholder="{hint}">
<ul id="series-found" role="listbox" aria-label="{key}" hidden></ul></div>
<div class="bar"><button type="button" id="series-before" title="The one before in the list">←</button>
<button type="button" id="series-after" title="The next in the list">→</button></div></div>
<div aria-live="polite"><p class="chosen" id="series-name"></p><p class="place" id="series-place"></p></div>
<div class="chart" id="series-chart" role="img" aria-label=""></div>
<dl class="facts" id="series-facts"></dl>
<details><summary>The forecast of the rows to come</summary><div class="scroll" tabindex="0" role="region" \
aria-label="Table"><table id="series-ahead"></table></div></details>"""

_LIST = """<div class="picker"><label for="list-search">Filter</label><div class="box"><input id="list-search" \
type="search" autocomplete="off" spellcheck="false" aria-controls="series-list"></div></div>
<div class="scroll" tabindex="0" role="region" aria-label="Table"><table id="series-list"></table></div>
<div class="bar"><button type="button" id="list-before">←</button><button type="button" id="list-after">→</button>\
<output id="list-said"></output></div><noscript><p>{note}</p></noscript>"""


def _means(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.bincount(codes, values) / np.bincount(codes)


def _share(given: Any, found: float | None) -> float | None:
    return found if given is None else float(given)
