"""What a backtest and a comparison leave: a JSON file with scores and provenance, beside it a table of forecasts.

A record is made of a result by `backtest_record` or `compare_record`, and written with its table and read back by
`kerasforecast.evaluation.walk_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from kerasforecast.artifact.records import BaselineTest, Count, Scores, SeveralRecord, Share, Stamp, Text
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import span
from kerasforecast.errors import shown
from kerasforecast.evaluation.verdict import Judgement, judged_row
from kerasforecast.runtime.backend import activate, provenance
from kerasforecast.sections.split import BacktestConfig

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.evaluation.backtest import Backtest, Fold
    from kerasforecast.evaluation.compare import Comparison


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Who(_Part):
    """Whose row it is; a class of its own, so that it stands before the scores."""

    model: Text
    fold: int | Literal["all"]
    n: int = Field(ge=1)


class ScoreRow(Scores, _Who):
    """Scores of one contestant in one fold, or in all, as `kerasforecast.evaluation.scores.score_rows` gives them."""

    of_several: ClassVar[tuple[str, ...]] = (*Scores.of_several, "series", "tests")

    relative_rmse: float | None
    relative_crps: float | None
    p_value: Share | None
    crps_p_value: Share | None
    best_p_value: Share | None = None
    best_crps_p_value: Share | None = None
    fit_seconds: float | None = None
    predict_ms: float | None = None
    series: int | None = Field(None, ge=1, le=10**9)
    tests: list[BaselineTest] | None = Field(None, max_length=100)


class FoldRecord(SeveralRecord):
    """A fold: rows it learned from, validated on, left out and forecast, and the dates of the last.

    Of several series the rows of all together; `series` counts those that it forecast, `learned` those it learned from.
    """

    of_several = ("series", "learned")

    fold: int = Field(ge=1)
    skipped: int = Field(ge=0)
    train: int = Field(ge=0)
    validation: int = Field(ge=0)
    gap: int = Field(ge=0)
    test: int = Field(ge=0)
    start: Stamp
    end: Stamp
    series: Count | None = None
    learned: Count | None = None


class WalkRecord(SeveralRecord):
    """The content of `backtest.json` and `compare.json`.

    Attributes:
        key: The column of the table that holds the ids of series, where these have some.
    """

    of_several = ("key",)

    kind: Literal["backtest", "compare"]
    name: Text
    target: Text
    key: Text | None = None
    verdicts: dict[Text, Text] = Field(min_length=1)  # of each model, the first one's first
    interval_verdicts: dict[Text, Text] = Field({})
    best: Text = "naive"  # the best simple forecast on validation, and the baseline with the best intervals there
    best_intervals: Text | None = None
    learned: dict[Text, Text] = Field({})  # by model, what it has learned from these very forecasts
    rows: list[ScoreRow] = Field(max_length=1_000_000)
    folds: list[FoldRecord] = Field(default=[], max_length=10_000)
    config: Config
    walk: BacktestConfig | None = None
    notes: list[Text] = Field([])
    data: Text
    created: Text
    backend: Text
    device: Text
    versions: dict[Text, Text | None]

    @model_validator(mode="after")
    def _every_model_has_scores(self) -> WalkRecord:
        scored = {row.model for row in self.rows if row.fold == "all"}
        if absent := [model for model in self.verdicts if model not in scored]:
            raise ValueError(f"each model of the verdicts needs a row of fold 'all', which {shown(absent[0])} lacks")
        return self

    @property
    def models(self) -> list[str]:
        """The models, without the baselines."""
        return list(self.verdicts)

    @property
    def several(self) -> bool:
        """Whether it is of several series, whose scores are means over them."""
        return any(row.series for row in self.rows)

    def judgement(self, model: str) -> Judgement:
        """Whether one of the models is worth using: the status, the words and the numbers."""
        return judged_row(self.over_all(), model, self.best, self.best_intervals, self.learned.get(model))

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels that its table has a column for, ascending: a backtest's, where its model has intervals."""
        model = self.models[0]
        scored = any(row.pinball for row in self.rows if row.model == model and row.fold == "all")
        return self.config.levels if self.kind == "backtest" and scored else ()

    def over_all(self) -> list[dict[str, Any]]:
        """The rows of scores over all folds."""
        return [row.model_dump() for row in self.rows if row.fold == "all"]

    def of(self, model: str) -> list[dict[str, Any]]:
        """The scores of one contestant in each fold, in order."""
        return [row.model_dump() for row in self.rows if row.model == model and row.fold != "all"]


def backtest_record(
    found: Backtest,
    data: Panel | Series,
    config: Config,
    walk: BacktestConfig,
    name: str,
    backend: str | None = None,
    notes: Sequence[str] = (),
) -> WalkRecord:
    """What a backtest leaves besides its table of forecasts.

    Args:
        found: Its result.
        data: One or more series, that it walked over.
        config: Of the model.
        walk: Of the folds.
        name: What to call it.
        backend: That the models ran on; the one in force where not given.
        notes: What a reader should know, one sentence each.
    """
    return WalkRecord(
        kind="backtest",
        notes=list(notes),
        **_verdicts(found, {config.network.model: found.judgement}),
        rows=found.rows,
        folds=_folds(found.folds, Panel.of(data)),
        walk=walk,
        **_facts(Panel.of(data), found.table, config, name, backend),
    )


def compare_record(
    found: Comparison,
    data: Panel | Series,
    config: Config,
    name: str,
    backend: str | None = None,
    notes: Sequence[str] = (),
) -> WalkRecord:
    """What a comparison leaves besides its table of forecasts.

    Args:
        found: Its result.
        data: One or more series, whose test part was forecast.
        config: Of the comparison.
        name: What to call it.
        backend: That the models ran on; the one in force where not given.
        notes: What a reader should know, one sentence each.
    """
    return WalkRecord(
        kind="compare",
        **_verdicts(found, found.judgements),
        learned=found.learned,
        rows=found.rows,
        notes=list(notes),
        **_facts(Panel.of(data), found.table, config, name, backend),
    )


def _verdicts(found: Backtest | Comparison, judgements: Mapping[str, Judgement]) -> dict[str, Any]:
    intervals = {name: each.interval_text for name, each in judgements.items() if each.interval_text}
    verdicts = {name: each.text for name, each in judgements.items()}
    return {
        "verdicts": verdicts,
        "interval_verdicts": intervals,
        "best": found.best,
        "best_intervals": found.best_intervals,
    }


def _folds(folds: Sequence[Fold], panel: Panel) -> list[FoldRecord]:
    several = len(panel) > 1
    found = []
    for fold in folds:
        start, end = span(panel.index, fold.start, fold.stop)
        rows = {
            "skipped": fold.first - panel.starts[:-1],
            "train": fold.train_end - fold.first,
            "validation": fold.known_end - fold.train_end,
            "gap": np.where(fold.forecast, fold.start - fold.known_end, 0),
            "test": fold.forecast,
        }
        counts = {name: int(each.sum()) for name, each in rows.items()}
        series = {"series": fold.forecast > 0, "learned": fold.known_end > fold.first} if several else {}
        counts |= {name: int(each.sum()) for name, each in series.items()}
        found.append(FoldRecord(fold=fold.number, start=start, end=end, **counts))
    return found


def data_text(panel: Panel) -> str:
    """What `WalkRecord.data` says of the data: where its rows come from, and which they are."""
    source = f"{panel.source.kind} {panel.source.location}".strip()
    start, end = span(panel.index, panel.starts[:-1], panel.ends)
    several = f"{len(panel):,} series, " if len(panel) > 1 else ""
    return f"{source}: {several}{panel.observed.sum():,} rows, {start} to {end}"


def _facts(panel: Panel, table: pd.DataFrame, config: Config, name: str, backend: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "target": panel.target,
        "key": None if panel.key is None else str(table.columns[0]),
        "config": config,
        "data": data_text(panel),
        **provenance(backend or activate().name),
    }
