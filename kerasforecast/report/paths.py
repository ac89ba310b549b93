"""Whole paths, as the report shows them: their scores beside those of rivals, and how they come from noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerasforecast.artifact.path_scores import PathScores
from kerasforecast.baselines.seasonal import season_of
from kerasforecast.data.numerals import number
from kerasforecast.evaluation.paths import kept_lines
from kerasforecast.report.page import Section, table
from kerasforecast.report.traces import Figure, bars, figure, line, timed, titled

_STAGES = 5  # of a process that are drawn


def path_sections(found: PathScores | None, process: pd.DataFrame | None, target: str) -> list[Section]:
    """Scores and ranks, and the two processes; nothing of a model that draws no paths."""
    sections = [] if found is None else [_scores(found)]
    if process is not None and len(process):
        sections += _processes(process, target)
    return sections if found is None else [*sections, _ranks(found)]


def path_lines_of(process: pd.DataFrame | None, most: int = 12) -> np.ndarray | None:
    """A few paths of the forecast `(P, H)`, the last stage of the reverse process; `None` where there are none."""
    if process is None or not len(process):
        return None
    reverse = process[process["process"] == "reverse"]
    last = reverse[reverse["stage"] == reverse["stage"].max()]
    return np.stack([own["value"].to_numpy() for path, own in last.groupby("path") if int(path) <= most])


def _scores(found: PathScores) -> Section:
    tests = {(test.rival, test.loss): test.p_value for test in found.tests}
    header = ["", "CRPS", "energy score", "variogram score", "steps in 80 %", "paths in 80 %", "paths in 95 %", "p"]
    rows = []
    for name, score in found.each.items():
        p_value = tests.get((name, "energy"))
        shares = (score.coverage["0.8"], score.path_coverage["0.8"], score.path_coverage["0.95"])
        numbers = [number(each) for each in (score.crps, score.energy, score.variogram)]
        certain = "" if name == "model" else "too few to test" if p_value is None else f"{p_value:.2g}"
        rows.append([_spoken(name), *numbers, *(f"{100 * share:.1f} %" for share in shares), certain])
    unit = "in the unit of the values" if found.unit == "values" else "in standard moves of each window"
    note = (
        f"{found.paths} paths each of {found.windows:,} windows of the test part, {unit}; smaller is better. The "
        "energy score is of whole paths, the variogram score of how steps hang together; a band of 80 % is meant to "
        "hold 80 % of paths from end to end. p: that the energy score differs from the model's by luck alone."
    )
    note = " ".join([note, *kept_lines(found.departed)])
    return Section("Whole paths", note, table(header, rows, strong=0), wide=True)


def _ranks(found: PathScores) -> Section:
    edges = [f"{place * 10}-{place * 10 + 10} %" for place in range(len(found.ranks))]
    shares = bars("share", edges, [100 * share for share in found.ranks], "--model")
    even = 100 / len(found.ranks)
    flat = {"type": "line", "layer": "above", "x0": 0, "x1": 1, "xref": "paper", "y0": even, "y1": even}
    flat |= {"line": {"color": "--naive", "dash": "dot"}}
    drawn = figure([shares], xaxis={"type": "category"}, yaxis=titled("of outcomes", ticksuffix=" %"), shapes=[flat])
    note = (
        "Where outcomes rank among the sampled values. Even is right; a valley says that paths lie too close together, "
        "a hill too far apart, a slope that they are too high or too low."
    )
    return Section("Ranks among paths", note, "", (("Share of outcomes by rank", drawn),), wide=True)


def _processes(process: pd.DataFrame, target: str) -> list[Section]:
    sections = []
    reverse, forward = (process[process["process"] == name] for name in ("reverse", "forward"))
    if len(reverse):
        sections.append(reverse_section(reverse, target))
    if len(forward):
        note = "What training does to a real path, the last one known: ever more noise, until nothing of it is left."
        sections.append(
            Section("From path to noise", note, "", (("The forward process", _stages(forward, 1, target)),))
        )
    return sections


def reverse_section(reverse: pd.DataFrame, target: str) -> Section:
    """How a path comes from noise; `reverse` as `kerasforecast.forecasting.process.reverse` gives it."""
    note = (
        "One path of the forecast, from noise on: noise in the coordinates of the model is a path of past errors, "
        "and each step turns it towards what this window allows. Thin lines: where other paths end."
    )
    return Section("From noise to path", note, "", (("The reverse process", _reverse(reverse, target)),))


def _reverse(reverse: pd.DataFrame, target: str) -> Figure:
    last = reverse[reverse["stage"] == reverse["stage"].max()]
    others = []
    for path, own in last.groupby("path"):
        if 1 < int(path) <= 8:
            drawn = line("other paths", own["date"].tolist(), own["value"].to_numpy(), "--edge", width=0.8)
            others.append(drawn | {"showlegend": int(path) == 2, "hoverinfo": "skip"})
    whole = _stages(reverse, 1, target)
    return whole | {"data": [*others, *whole["data"]]}


def _stages(process: pd.DataFrame, path: int, target: str) -> Figure:
    own = process[process["path"] == path]
    stages = np.unique(own["stage"].to_numpy())
    chosen = stages[np.unique(np.linspace(0, len(stages) - 1, min(len(stages), _STAGES)).round().astype(int))]
    reverse = bool((own["process"] == "reverse").all())
    order = list(chosen) if reverse else list(chosen[::-1])  # the path itself on top
    traces = []
    for place, stage in enumerate(order):
        rows = own[own["stage"] == stage]
        final = place == len(order) - 1
        name = _stage_name(int(stage), int(stages[-1]), reverse)
        color = "--model" if final else f"--other-{place % 5}"
        width, dash = (2.6, "solid") if final else (1.3, "dot")
        dates, values = rows["date"].tolist(), rows["value"].to_numpy()
        traces.append(line(name, dates, values, color, width=width, dash=dash))
    return timed(traces, yaxis=titled(target))


def _stage_name(stage: int, last: int, reverse: bool) -> str:
    if reverse:
        return "noise" if stage == 0 else "path" if stage == last else f"after step {stage}"
    return "path" if stage == 0 else "noise" if stage == last else f"{100 * stage // last} % of the way"


def _spoken(name: str) -> str:
    season = season_of(name)
    if season:
        return f"seasonal naive ({season[1]} rows), errors drawn again"
    words = {"ewma_fhs": "ewma fhs", "point_gaussian": "point forecast and normal errors"}
    words |= {"own_steps": "its single steps, joined by a Gaussian copula"}
    return words.get(name, name)
