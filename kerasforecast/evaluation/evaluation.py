"""How good are the forecasts of given windows, and are they better than no model at all?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from kerasforecast.artifact.importance import Importance
from kerasforecast.artifact.path_scores import PathScores
from kerasforecast.artifact.records import DiagnosisRecord, Metrics, TestScores
from kerasforecast.baselines.fitted import Baselines
from kerasforecast.config import Config
from kerasforecast.data.id_column import id_column
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError
from kerasforecast.evaluation.outcomes import Outcomes
from kerasforecast.evaluation.per_series import counts, per_series_table
from kerasforecast.evaluation.scores import LoneTally, Tally, side_by_side
from kerasforecast.evaluation.verdict import Judgement, judged, not_judged
from kerasforecast.forecasting.forecast import Forecast, quantile_column
from kerasforecast.metrics.point import series_scales
from kerasforecast.preprocessing.split import Split
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
            counts windows. Of several series also `series`, `unscored`, `unscaled` and `better`, as
            `kerasforecast.evaluation.per_series.counts` says, and what scores and tests say more of several.
        adapted: `(S, K)` levels of the intervals in force after the last window.
        learned: What the model has learned from already, in a few words, where it has from some of the windows given:
            scores are then of the others alone, or of all where there are no others.
        judged: Whether there were others: there is no verdict without.
        per_series: A row of scores for each series, as `kerasforecast.evaluation.per_series.per_series_table` makes it;
            `None` for a lone series, and in a model that was loaded.
        importance: Which covariates earn their place, of a fit with covariates.
        held_out: That of the series which training never saw, where some were held out; all else but `table` and
            `per_series`, which have all series, is of the others.
        paths: How good its paths are, of a model that draws them.
    """

    table: pd.DataFrame | None
    scores: dict[str, Any]
    adapted: np.ndarray | None = None
    learned: str | None = None
    judged: bool = True
    per_series: pd.DataFrame | None = None
    importance: Importance | None = None
    held_out: Evaluation | None = None
    paths: PathScores | None = None

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
    forecaster: Sequential,
    windows: Windows,
    baselines: Baselines | None,
    more: Mapping[str, Forecast] | None = None,
    trained: np.ndarray | None = None,
) -> Evaluation:
    """Forecast consecutive windows and score the forecasts against what happened and against every baseline.

    The intervals adapt from origin to origin, each to outcomes known by then.

    Args:
        forecaster: The model.
        windows: With their outcomes.
        baselines: The simple ones; the naive forecast alone where `None`.
        more: Forecasts of other baselines by name.
        trained: `(M,)` of several series one past the last row of each training part, which gives the units of scaled
            scores; where there is none, all rows of a series up to its first origin do.
    """
    ours, adapted = forecaster.in_sequence(windows)
    outcomes = outcomes_of(windows, baselines, trained)
    best, intervals = (baselines.best, baselines.best_intervals) if baselines else ("naive", None)
    table, n = forecast_table(windows, ours, outcomes.levels), len(windows)
    if outcomes.grouped is None:
        others = chain(_each(windows, baselines), (more or {}).items())  # one at a time: quantiles are large
        lone = {name: LoneTally(outcomes, each) for name, each in chain([("model", ours)], others)}
        return Evaluation(table, {"n": n, **side_by_side(lone, best, intervals)}, adapted)
    tallies: dict[str, Tally] = {}
    for indices in outcomes.stretches():  # nor are all of one held
        part = replace(windows, origins=windows.origins[indices])
        others = chain(_each(part, baselines), ((name, each.at(indices)) for name, each in (more or {}).items()))
        for name, forecast in chain([("model", ours.at(indices))], others):
            tallies.setdefault(name, Tally(outcomes, each=name == "model")).add(indices, forecast)
    contenders = tallies["model"], tallies["naive"], tallies[best]
    summary = {"n": n, **side_by_side(tallies, best, intervals), **counts(outcomes, *contenders)}
    return Evaluation(table, summary, adapted, per_series=per_series_table(windows.panel, outcomes, *contenders))


def every_window(manifest: Manifest, panel: Panel, steps: int) -> Windows:
    """All windows of `panel` that a model can be scored on, `steps` rows ahead; a series may have none.

    Raises:
        DataError: There is none at all.
    """
    window = manifest.window
    # A network reads what is known of all rows of its horizon.
    reach = max(steps, manifest.horizon) if panel.known_columns else steps
    origins = all_origins(panel, manifest.context, reach)
    if not len(origins):
        several = f"{len(panel):,} series of at most " if len(panel) > 1 else ""
        raise DataError(
            f"{panel.name}: an evaluation needs a window of {manifest.context} rows and {reach} more. "
            f"Received: {several}{panel.observed.max()} rows."
        )
    return windows_of(panel, origins, window, steps, manifest.horizon)


def scored_windows(config: Config, panel: Panel, split: Split, part: str) -> Windows:
    """The windows of a part whose next `config.steps` rows all lie in it; a series may have none.

    Raises:
        DataError: No series has one.
    """
    if not split.windows_in(part, config.steps).any():
        longest = int(np.argmax(split.rows_in(part)))
        rows, which = split.rows_in(part)[longest], "" if len(panel) == 1 else ", the longest in it"
        raise DataError(
            f"{panel.ids[longest]}{which}: {part} has {rows} rows. Received: --steps {config.steps}. Use fewer."
        )
    return windows_of(panel, split.origins(part, config.steps), split.window, config.steps)


def metrics_of(test: Evaluation, target: str, diagnosis: DiagnosisRecord | None) -> Metrics:
    """The content of `metrics.json`, which the manifest holds too."""
    return Metrics(
        target=target,
        test=TestScores(**test.scores),
        verdict=test.verdict,
        interval_verdict=test.interval_verdict,
        diagnosis=diagnosis,
        importance=test.importance,
        held_out=test.held_out and TestScores(**test.held_out.scores),
        paths=test.paths,
    )


def recorded(manifest: Manifest) -> Evaluation | None:
    """The evaluation that a model file tells of, without its forecasts; `None` where the model was never scored."""
    found = manifest.metrics
    if found is None:
        return None
    adapted = np.array(manifest.adapted.levels) if manifest.adapted else None
    cold = None if found.held_out is None else Evaluation(None, found.held_out.model_dump(mode="json"))
    test = found.test.model_dump(mode="json")
    return Evaluation(None, test, adapted, importance=found.importance, held_out=cold, paths=found.paths)


def outcomes_of(windows: Windows, baselines: Baselines | None, trained: np.ndarray | None = None) -> Outcomes:
    """What happened after `windows`, to be scored in the units and at the levels of `baselines`; `trained` as above."""
    actual, last, levels = windows.targets(), windows.last(), baselines.levels if baselines else ()
    panel, scales = windows.panel, baselines.scales if baselines else None
    if len(panel) == 1 and (scales is not None or baselines is None):
        return Outcomes(actual, last, levels, scales)
    each = series_scales(panel, _known(windows, trained), baselines.period if baselines else 1)
    if len(panel) == 1:
        return Outcomes(actual, last, levels, (float(each[0, 0]), float(each[0, 1])))
    times = windows.panel.index.asi8 if panel.dated else panel.index.to_numpy()
    return Outcomes(actual, last, levels, each, panel.places(windows.origins), times[windows.origins])


def _known(windows: Windows, trained: np.ndarray | None) -> np.ndarray:
    """One past the last row of each series `(M,)` that the unit of its scaled scores may come from."""
    panel = windows.panel
    known = panel.starts[:-1].copy()
    places = panel.places(windows.origins)
    first = np.flatnonzero(np.diff(places, prepend=-1))  # the first window of each series that has one
    known[places[first]] = windows.origins[first] + 1
    if trained is None:
        return known
    return np.where(trained > panel.starts[:-1], trained, known)  # a series held out has no training part


def _each(windows: Windows, baselines: Baselines | None) -> Iterator[tuple[str, Forecast]]:
    if baselines is None:
        return iter([("naive", Forecast(np.repeat(windows.last()[:, None], windows.steps, axis=1), None))])
    return baselines.each(windows)


def forecast_table(windows: Windows, ours: Forecast, levels: tuple[float, ...]) -> pd.DataFrame:
    """One row a forecast, the steps of an origin below one another; columns as in `Evaluation.table`.

    Of several series all but what happened are float32: there may be many.
    """
    steps, several = windows.steps, len(windows.panel) > 1
    naive = np.repeat(windows.last(), steps)
    columns: dict[str, Any] = {
        **ids_and_dates(windows),
        "actual": windows.targets().ravel(),
        "forecast": ours.point.ravel().astype(np.float32),  # what the network gave; prints without a float64 tail
        "naive": naive.astype(np.float32) if several else naive,
    }
    if steps > 1:
        columns["step"] = np.tile(np.arange(1, steps + 1, dtype=np.int16 if several else np.int64), len(windows))
    if ours.quantiles is not None:
        rows = ours.quantiles.reshape(-1, len(levels))
        columns |= {quantile_column(level): rows[:, k].astype(np.float32) for k, level in enumerate(levels)}
    return pd.DataFrame(columns, copy=False)


def ids_and_dates(windows: Windows, taken: Collection[str] = ()) -> dict[str, Any]:
    """The first columns of a table of forecasts, a row a step of each window: `date`, before it the id, if any.

    The ids stand under the panel's own name for them, or one like it where that is `taken` by another column.
    """
    panel, rows = windows.panel, (windows.origins[:, None] + np.arange(1, windows.steps + 1)).ravel()
    dates = {"date": panel.index[rows]}
    key = id_column(panel, taken)
    if key is None:
        return dates
    return {key: pd.Categorical.from_codes(panel.places(rows), pd.Index(panel.ids, dtype="str"))} | dates
