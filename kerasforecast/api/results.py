"""What `kerasforecast.backtest` and `kerasforecast.compare` give."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kerasforecast.evaluation.walk import WalkRecord

if TYPE_CHECKING:
    from kerasforecast.evaluation.backtest import Backtest


@dataclass(frozen=True, eq=False)
class WalkResult:
    """Scores and forecasts of models and baselines on the same origins.

    Attributes:
        record: All scores, verdicts and where they came from, as `backtest.json` and `compare.json` hold them.
        table: One row a forecast: `date`, `actual`, `naive` and more; `step` where there are several steps ahead.
        files: Paths of what was written, by what they hold: `forecasts`, `scores`, `report`; empty without an
            `output_dir`.
    """

    record: WalkRecord
    table: pd.DataFrame
    files: dict[str, Path] = field(default_factory=dict)

    def __repr__(self) -> str:
        title = "Backtest" if self.record.kind == "backtest" else "Comparison"
        told = "; ".join(f"{model}: {verdict}" for model, verdict in self.record.verdicts.items())
        return f"<{title} {self.record.name}, {self.record.target}: {told}>"

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row for each forecaster and fold, with `fold` `"all"` for all folds together; a column for each score."""
        rows = [row.model_dump(exclude={"steps"}) for row in self.record.rows]
        return pd.json_normalize(rows, sep="_")

    @property
    def verdict(self) -> str:
        """Whether the first model is better than the best simple forecast, and than naive, by squared errors."""
        return next(iter(self.record.verdicts.values()))

    @property
    def verdicts(self) -> dict[str, str]:
        """The same of each model by its name."""
        return dict(self.record.verdicts)

    def report(self, path: str | PathLike) -> Path:
        """Write the report, one HTML page that needs no network, and return its path."""
        from kerasforecast.report import walk_report
        from kerasforecast.runtime.files import atomic_write, user_path

        file = user_path(path)
        atomic_write(file, walk_report(self.record, self.table).encode())
        return file


@dataclass(frozen=True, eq=False, repr=False)
class BacktestResult(WalkResult):
    """A finished backtest; `scores` has the folds too.

    Attributes:
        found: The folds and verdicts behind the record.
    """

    found: Backtest = field(kw_only=True)

    def require_skill(self, p_value: float) -> None:
        """Raise `SkillError` unless the model beats the best simple forecast with a p-value below `p_value`."""
        self.found.require_skill(p_value)
