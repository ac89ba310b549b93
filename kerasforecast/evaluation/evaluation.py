"""How good are the forecasts of given windows, and are they better than no model at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.learned import Learned
from kerasforecast.evaluation.scores import Outcomes, dm_tests, scores
from kerasforecast.evaluation.verdict import Judgement, judged, not_judged
from kerasforecast.forecasting.forecast import Forecast, quantile_column
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.windows import Windows, all_origins, windows_of

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
        scores: `{"n", "model": {...}, "naive": {...}, ..., "dm": {...}, "tests": [...], "best", "best_intervals"}`; `n`
            counts windows.
        adapted: `(S, K)` levels of the intervals in force after the last window.
        learned: What the model has learned from already, in a few words, where it has from some of the windows given:
            scores are then of the others alone, or of all where there are no others.
        judged: Whether there were others: there is no verdict without.
    """

    table: pd.DataFrame | None
    scores: dict[str, Any]
    adapted: np.ndarray | None = None
    learned: str | None = None
    judged: bool = True

    @cached_property
    def judgement(self) -> Judgement:
        """Whether the model is worth using: the status, the words and the numbers."""
        if self.judged:
            return judged(self.scores)
        steps = max(1, len(self.scores["model"]["steps"]))
        reason = f"the model has learned from all {self.scores['n']:,} windows ({self.learned})"
        return not_judged(reason, self.scores["n"], steps)

    @property
    def verdict(self) -> str:
        """One line, by squared errors, against the best simple forecast and the naive one."""
        return self.judgement.text

    @property
    def interval_verdict(self) -> str | None:
        """The same by the CRPS of the intervals, where there are some, against the best of the baselines'."""
        return self.judgement.interval_text

    @property
    def better(self) -> bool:
        """Whether the model beats the best simple forecast, and the naive one, significantly."""
        return self.judgement.status == "better"

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless it does with p-values below `p_value`."""
        self.judgement.require_skill(p_value)


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
    outcomes = outcomes_of(windows, baselines)
    found, against = {"model": scores(outcomes, ours)}, []
    naive = np.repeat(windows.last()[:, None], windows.steps, axis=1)
    for name, other in chain(_each(windows, baselines), (more or {}).items()):  # one at a time: quantiles are large
        found[name] = scores(outcomes, other)
        against += [{"baseline": name, **test} for test in dm_tests(outcomes, ours, other)]
    summary = {
        "n": len(windows),
        **found,
        "dm": {name: value for name, value in against[0].items() if name != "baseline"},
        "tests": against,
        "best": baselines.best if baselines else "naive",
        "best_intervals": baselines.best_intervals if baselines else None,
    }
    return Evaluation(forecast_table(windows, ours, naive, outcomes.levels), summary, adapted)


def evaluate_unseen(
    forecaster: Sequential, windows: Windows, baselines: Baselines | None, learned: Learned
) -> Evaluation:
    """As `evaluate_windows`, of the windows that the model has not learned from; of all where there are none such."""
    unseen = learned.unseen
    chosen = replace(windows, origins=windows.origins[unseen]) if len(unseen) else windows
    return replace(evaluate_windows(forecaster, chosen, baselines), learned=learned.text, judged=len(unseen) > 0)


def every_window(manifest: Manifest, panel: Panel, steps: int) -> Windows:
    """All windows of `panel` that a model can be scored on, `steps` rows ahead.

    Raises:
        DataError: There is none.
    """
    window = manifest.window
    # A network reads what is known of all rows of its horizon.
    reach = max(steps, manifest.horizon) if panel.known_columns else steps
    origins = all_origins(panel, manifest.context, reach)
    if not len(origins):
        raise DataError(
            f"{panel.name}: an evaluation needs a window of {manifest.context} rows and {reach} more. "
            f"Received: {panel.observed.max()} rows."
        )
    return windows_of(panel, origins, window, steps, manifest.horizon)


def scored_windows(config: Config, panel: Panel, split: Split, part: str) -> Windows:
    """The windows of a part whose next `config.steps` rows all lie in it.

    Raises:
        DataError: No series has one.
    """
    if not split.windows_in(part, config.steps).any():
        longest = int(np.argmax(split.rows_in(part)))
        rows = split.rows_in(part)[longest]
        raise DataError(f"{panel.ids[longest]}: {part} has {rows} rows. Received: --steps {config.steps}. Use fewer.")
    return windows_of(panel, split.origins(part, config.steps), split.window, config.steps)


def windows_tested(config: Config, panel: Panel) -> Windows:
    """The windows that a fit of `config` scores its model on."""
    return scored_windows(config, panel, split_panel(panel, config.split, config.network, config.steps), "test")


def recorded(manifest: Manifest) -> Evaluation | None:
    """The evaluation that a model file tells of, without its forecasts; `None` where the model was never scored."""
    found = manifest.metrics
    if found is None:
        return None
    adapted = np.array(manifest.adapted.levels) if manifest.adapted else None
    return Evaluation(None, found.test.model_dump(mode="json"), adapted)


def outcomes_of(windows: Windows, baselines: Baselines | None) -> Outcomes:
    """What happened after `windows`, to be scored in the units and at the levels of `baselines`."""
    levels, scales = (baselines.levels, baselines.scales) if baselines else ((), None)
    return Outcomes(windows.targets(), windows.last(), levels, scales)


def baselines_of(windows: Windows, baselines: Baselines | None) -> dict[str, Forecast]:
    """Every baseline's forecasts of `windows`; the naive one alone where none has learned (files of older releases)."""
    return dict(_each(windows, baselines))


def _each(windows: Windows, baselines: Baselines | None) -> Iterator[tuple[str, Forecast]]:
    if baselines is None:
        return iter([("naive", Forecast(np.repeat(windows.last()[:, None], windows.steps, axis=1), None))])
    return baselines.each(windows)


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
