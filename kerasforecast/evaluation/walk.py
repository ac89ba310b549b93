"""What `backtest` and `compare` leave: a JSON file with scores and provenance, and beside it a table of forecasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kerasforecast.artifact.records import Scores, Share, Text
from kerasforecast.config import BacktestConfig, Config
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.runtime.files import atomic_write, json_text


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Who(_Part):
    """Whose row it is; a class of its own, so that it stands before the scores."""

    model: Text
    fold: int | Literal["all"]
    n: int = Field(ge=1)


class ScoreRow(Scores, _Who):
    """Scores of one contestant in one fold, or in all, as `kerasforecast.evaluation.scores.score_rows` gives them."""

    relative_rmse: float | None
    relative_crps: float | None
    p_value: Share | None
    crps_p_value: Share | None
    fit_seconds: float | None = None
    predict_ms: float | None = None


class FoldRecord(_Part):
    """A fold: rows it learned from, validated on, left out and forecast, and the dates of the last."""

    fold: int = Field(ge=1)
    skipped: int = Field(ge=0)
    train: int = Field(ge=0)
    validation: int = Field(ge=0)
    gap: int = Field(ge=0)
    test: int = Field(ge=0)
    start: Text
    end: Text


class WalkRecord(_Part):
    """The content of `backtest.json` and `compare.json`."""

    kind: Literal["backtest", "compare"]
    name: Text
    target: Text
    verdicts: dict[Text, Text]  # of each model, the first one's first
    interval_verdicts: dict[Text, Text] = {}
    rows: list[ScoreRow] = Field(max_length=1_000_000)
    folds: list[FoldRecord] = Field(default=[], max_length=10_000)
    config: Config
    walk: BacktestConfig | None = None
    notes: list[Text] = []
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

    def over_all(self) -> list[dict[str, Any]]:
        """The rows of scores over all folds."""
        return [row.model_dump() for row in self.rows if row.fold == "all"]

    def of(self, model: str) -> list[dict[str, Any]]:
        """The scores of one contestant in each fold, in order."""
        return [row.model_dump() for row in self.rows if row.model == model and row.fold != "all"]


def write_walk(folder: Path, record: WalkRecord, table: pd.DataFrame) -> dict[str, Path]:
    """Write a walk's files; the record last, so that it never stands beside another's forecasts.

    Returns:
        The paths by what they hold: `forecasts`, `scores`.
    """
    paths = {"forecasts": folder / f"{record.kind}.csv", "scores": folder / f"{record.kind}.json"}
    atomic_write(paths["forecasts"], table.to_csv(index=False).encode())
    atomic_write(paths["scores"], json_text(record.model_dump(mode="json")).encode())
    return paths


def read_walk(path: Path) -> tuple[WalkRecord, pd.DataFrame]:
    """The record at `path` and the forecasts beside it.

    Raises:
        ArtifactError: One of the files is absent, damaged, or does not fit the other.
    """
    try:
        record = WalkRecord.model_validate_json(path.read_bytes())
        table = pd.read_csv(path.with_suffix(".csv"))
        wanted = {"date", "actual", "naive", *(["forecast", "fold"] if record.kind == "backtest" else record.models)}
        if not wanted <= set(table.columns) or table.empty:
            raise ValueError(f"columns {list(table.columns)}")
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise ArtifactError(
            f"{path}: must be what `kerasforecast backtest` or `compare` wrote; {place or 'content'}: "
            f"{fault['msg'].lower()}. Received: {shown(fault['input'])}. Run it again."
        ) from None
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path}: must stand with its table of forecasts, as it was written. Received: "
            f"{getattr(error, 'strerror', None) or error}. Run the command again."
        ) from None
    return record, table
