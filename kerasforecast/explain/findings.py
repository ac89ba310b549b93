"""What is found about a forecast and the model that made it: lines, numbers, a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.numerals import number
from kerasforecast.evaluation.verdict import spoken
from kerasforecast.explain.attention import Attention
from kerasforecast.explain.inside import Inside, States
from kerasforecast.explain.memory import CELLS, Memory
from kerasforecast.explain.origin import Origin
from kerasforecast.explain.reach import Reach
from kerasforecast.explain.whatif import WhatIf
from kerasforecast.explain.why import Why

_SHOWN = 4  # parts that a line names


@dataclass(frozen=True, eq=False)
class Findings:
    """Why one forecast is what it is, and what the model makes of its data.

    Attributes:
        manifest: Of the model.
        origin: Which forecast.
        why: Its difference from the naive forecast, in parts.
        what_if: Forecasts where the columns known ahead are others; `None` where there are none.
        reach: How far back the model looks; `None` where the data holds no window with its outcome.
        parts: Trend and season of an interpretable N-BEATS, `(H,)` each; empty for others.
        inside: Gates and states of a recurrent model, or `None`.
        states: What those states were after other rows, or `None`.
        attention: Of a Transformer over patches, or `None`.
        process: From noise to the paths of a diffusion model, as `kerasforecast.forecasting.process.reverse` gives it,
            or `None`.
        memory: What `memory=True` asks for, or `None`.
        seconds: What it took.
    """

    manifest: Manifest
    origin: Origin
    why: Why
    what_if: WhatIf | None
    reach: Reach | None
    parts: dict[str, np.ndarray]
    inside: Inside | None
    states: States | None
    attention: Attention | None
    process: pd.DataFrame | None
    memory: Memory | None
    seconds: float

    @property
    def table(self) -> pd.DataFrame:
        """One row a step: the forecast, the naive one, what each part adds, and what the parts lack; raw units."""
        columns = {"forecast": self.why.forecast, "naive": self.why.naive, **self.why.parts}
        index = pd.Index(self.origin.dates, name="date")
        return pd.DataFrame({**columns, "residual": self.why.residual}, index=index)

    @property
    def lines(self) -> list[str]:
        """The explanation in a few sentences."""
        return [*self._why_lines(), *filter(None, [self.reach_line]), *self._memory_lines()]

    @property
    def numbers(self) -> dict[str, Any]:
        """The same as numbers, for JSON; a part that is not a finite number is null."""
        found, reach, memory = self.why, self.reach, self.memory
        steps = [
            {"date": date, "forecast": _plain(found.forecast[step]), "naive": _plain(found.naive)}
            | {"parts": {name: _plain(part[step]) for name, part in found.parts.items()}}
            | {"residual": _plain(found.residual[step])}
            for step, date in enumerate(self.origin.dates)
        ]
        return {
            "model": self.manifest.name,
            "series": str(self.origin.panel.ids[0]),
            "at": self.origin.date,
            "target": self.manifest.target,
            "steps": steps,
            "residual_share": found.share,
            "looks_back": None if reach is None else {"rows": reach.rows, "windows": reach.windows},
            "memory": None if memory is None else _memory_numbers(memory),
            "seconds": round(self.seconds, 3),
        }

    def _why_lines(self) -> list[str]:
        found, target = self.why, self.manifest.target
        first = found.forecast[0], found.difference[0]
        lines = [
            f"{target} at {self.origin.dates[0]}: forecast {number(first[0])}, naive {number(found.naive)}, "
            f"difference {signed(first[1])}."
        ]
        largest = sorted(found.parts.items(), key=lambda part: -abs(part[1][0]))
        told = [f"{name} {signed(part[0])}" for name, part in largest[:_SHOWN]]
        rest = sum(part[0] for _, part in largest[_SHOWN:])
        if largest[_SHOWN:]:
            told.append(f"all else {signed(rest)}")
        lines.append(f"It comes from: {', '.join(told)}.")
        if found.best is not None:
            lines.append(
                f"The best simple forecast, {spoken(found.best[0])}, says {number(found.best[1][0])}: the model is at "
                f"{signed(found.forecast[0] - found.best[1][0])} from it."
            )
        lines.append(self.completeness)
        return lines

    @property
    def completeness(self) -> str:
        """How nearly the parts sum to the difference, in a sentence."""
        share, steps = self.why.share, len(self.why.forecast)
        over = "" if steps == 1 else f" over {steps} steps"
        if share is None:
            return "The forecast is the naive one but for rounding: there is no difference to split."
        return f"The parts sum to the difference{over} but for {percent(share)} of it."

    @property
    def reach_line(self) -> str:
        """How far back the model looks, in a sentence; nothing where that is not known."""
        if self.reach is None:
            return ""
        window = int(self.reach.kept[-1])
        if self.reach.rows >= window:
            return f"It looks back over all of its {window} rows: with fewer its error changes by more than 1 %."
        return f"It looks back {self.reach.rows} of {window} rows: what is older changes its error by 1 % at most."

    def _memory_lines(self) -> list[str]:
        if self.memory is None:
            return []
        lines = []
        for task in self.memory.recall:
            told = ", ".join(f"{cell} {percent(task.errors[cell][1])}" for cell in CELLS)
            lines.append(
                f"Recalling a value marked among {task.rows} rows, error as a share of guessing where it lies in the "
                f"first {task.rows // 4}: {told}."
            )
        reached = ", ".join(f"{each.name} {each.reach}" for each in self.memory.fading)
        return [*lines, f"Rows back at which the gradient is still 1 % of its largest: {reached}."]


def signed(value: float) -> str:
    """A difference with its sign, in three digits."""
    decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:+,.{decimals}f}" if decimals < 12 else f"{value:+.3g}"


def _plain(value: Any) -> float | None:
    found = float(value)
    return found if np.isfinite(found) else None


def _memory_numbers(memory: Memory) -> dict[str, Any]:
    tasks = [
        {"rows": task.rows, "seconds": round(task.seconds, 2)}
        | {cell: {"error": all_, "error_far_back": far} for cell, (all_, far) in task.errors.items()}
        for task in memory.recall
    ]
    return {"recall": tasks, "gradient_reach": {each.name: each.reach for each in memory.fading}}


def percent(share: float) -> str:
    """A share in percent with two digits, or with all of a larger whole one: `0.02 %`, `100 %`."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
