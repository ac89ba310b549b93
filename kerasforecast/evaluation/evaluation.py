"""How good are the forecasts of given windows, and are they better than no model at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.scores import Outcomes, scores, tests, verdicts
from kerasforecast.forecasting.forecast import Forecast, joined, quantile_column
from kerasforecast.metrics.significance import ALPHA, Verdict, check_skill
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.windows import Windows, windows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kerasforecast.artifact.manifest import Manifest


class Sequential(Protocol):
    """What forecasts consecutive windows: a `kerasforecast.forecasting.forecaster.Forecaster`, or a test's stand-in."""

    def in_sequence(self, windows: Windows, start: np.ndarray | None = None) -> tuple[Forecast, np.ndarray | None]:
        """Forecasts, and the levels of the intervals in force after them; `start` are those in force before."""


@dataclass(frozen=True)
class Evaluation:
    """Scores beside the baselines', from one place for the terminal, `metrics.json`, the manifest and the report.

    Attributes:
        table: Columns `date` (before it the id, where series have ids), `actual`, `forecast`, `naive` in price units;
            `step` too where there are several steps, and a column `q<level>` for each quantile. `None` in a model that
            was loaded: its file has no forecasts.
        scores: `{"n", "model": {...}, "naive": {...}, ..., "dm": {...}, "tests": [...]}`; `n` counts windows.
        verdict: One sentence, by squared errors.
        interval_verdict: The same by the CRPS of the intervals, where there are some, against the best of the
            baselines.
        adapted: `(S, K)` levels of the intervals in force after the last window.
    """

    table: pd.DataFrame | None
    scores: dict[str, Any]
    verdict: str
    interval_verdict: str | None
    adapted: np.ndarray | None

    @property
    def better(self) -> bool:
        """Whether the model beats the naive forecast significantly."""
        return self._smaller and self.scores["dm"]["p_value"] < ALPHA

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless the model beats the naive forecast with a p-value below `p_value`."""
        check_skill(self.verdict, self.scores["dm"]["p_value"], self._smaller, p_value)

    @property
    def _smaller(self) -> bool:
        ours, naive = self.scores["model"]["rmse"], self.scores["naive"]["rmse"]
        return ours is not None and naive is not None and ours < naive


def evaluate_windows(
    forecaster: Sequential, windows: Windows, baselines: Baselines | None, more: Mapping[str, Forecast] | None = None
) -> Evaluation:
    """Forecast consecutive windows and score the forecasts against what happened and against every baseline.

    The intervals adapt from origin to origin, each to outcomes known by then.

    Args:
        forecaster: The model.
        windows: With their outcomes.
        baselines: The simple ones; the naive forecast alone where `None`.
        more: Forecasts of other baselines by name.
    """
    ours, adapted = forecaster.in_sequence(windows)
    others = baselines_of(windows, baselines) | dict(more or {})
    outcomes = outcomes_of(windows, baselines)
    found = {name: scores(outcomes, each) for name, each in ({"model": ours} | others).items()}
    points, intervals = verdicts(outcomes, ours, others)
    against = [{"baseline": name, **test} for name, other in others.items() for test in tests(outcomes, ours, other)]
    summary = {"n": len(windows), **found, "dm": points.dm.as_json(), "tests": against}
    table = forecast_table(windows, ours, others["naive"].point, outcomes.levels)
    return Evaluation(table, summary, points.text, _text(intervals), adapted)


def scored_windows(config: Config, panel: Panel, split: Split, part: str) -> Windows:
    """The windows of a part whose next `config.steps` rows all lie in it.

    Raises:
        DataError: A series has none.
    """
    short = np.flatnonzero(split.windows_in(part, config.steps) == 0)
    if len(short):
        rows = split.rows_in(part)[short[0]]
        raise DataError(f"{panel.ids[short[0]]}: {part} has {rows} rows. Received: --steps {config.steps}. Use fewer.")
    return windows_of(panel, split.origins(part, config.steps), split.window, config.steps)


def windows_tested(config: Config, panel: Panel) -> Windows:
    """The windows that a fit of `config` scores its model on."""
    return scored_windows(config, panel, split_panel(panel, config.split, config.network), "test")


def recorded(manifest: Manifest) -> Evaluation | None:
    """The evaluation that a model file tells of, without its forecasts; `None` where the model was never scored."""
    found = manifest.metrics
    if found is None:
        return None
    adapted = np.array(manifest.adapted.levels) if manifest.adapted else None
    return Evaluation(None, found.test.model_dump(mode="json"), found.verdict, found.interval_verdict, adapted)


def outcomes_of(windows: Windows, baselines: Baselines | None) -> Outcomes:
    """What happened after `windows`, to be scored in the units and at the levels of `baselines`."""
    levels, scales = (baselines.levels, baselines.scales) if baselines else ((), None)
    return Outcomes(windows.targets(), windows.last(), levels, scales)


def baselines_of(windows: Windows, baselines: Baselines | None) -> dict[str, Forecast]:
    """Every baseline's forecasts of `windows`; the naive one alone where none has learned (files of older releases)."""
    if baselines is None:
        return {"naive": Forecast(np.repeat(windows.last()[:, None], windows.steps, axis=1), None)}
    parts = [baselines.forecasts(windows.context(indices)) for indices in windows.chunks()]
    return {name: joined([part[name] for part in parts]) for name in parts[0]}


def forecast_table(windows: Windows, ours: Forecast, naive: np.ndarray, levels: tuple[float, ...]) -> pd.DataFrame:
    """One row a forecast, the steps of an origin below one another; columns as in `Evaluation.table`."""
    steps = np.arange(1, windows.steps + 1)
    columns: dict[str, Any] = {
        **ids_and_dates(windows),
        "actual": windows.targets().ravel(),
        "forecast": ours.point.ravel().astype(np.float32),  # what the network gave; prints without a float64 tail
        "naive": naive.ravel(),
    }
    if windows.steps > 1:
        columns["step"] = np.tile(steps, len(windows))
    if ours.quantiles is not None:
        rows = ours.quantiles.reshape(-1, len(levels)).astype(np.float32)
        columns |= {quantile_column(level): rows[:, k] for k, level in enumerate(levels)}
    return pd.DataFrame(columns)


def ids_and_dates(windows: Windows) -> dict[str, Any]:
    """The first columns of a table of forecasts, a row a step of each window: `date`, before it the id, if any."""
    panel, rows = windows.panel, (windows.origins[:, None] + np.arange(1, windows.steps + 1)).ravel()
    dates = {"date": panel.index[rows]}
    return dates if panel.key is None else {panel.key: panel.ids[panel.places(rows)]} | dates


def _text(verdict: Verdict | None) -> str | None:
    return verdict.text if verdict else None
