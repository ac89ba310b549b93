"""The files of a walk: a JSON file with scores and provenance, beside it a table of forecasts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from kerasforecast.errors import ArtifactError
from kerasforecast.evaluation.tables import csv_parts
from kerasforecast.evaluation.walk import WalkRecord
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.runtime.files import atomic_write, json_text
from kerasforecast.sections.section import first_fault


def write_walk(folder: Path, record: WalkRecord, table: pd.DataFrame) -> dict[str, Path]:
    """Write a walk's files; the record last, so that it never stands beside another's forecasts.

    Args:
        folder: Where to.
        record: Of the walk.
        table: Its forecasts.

    Returns:
        The paths by what they hold: `forecasts`, `scores`.
    """
    paths = {"forecasts": folder / f"{record.kind}.csv", "scores": folder / f"{record.kind}.json"}
    atomic_write(paths["forecasts"], csv_parts(table))
    atomic_write(paths["scores"], json_text(record.model_dump(mode="json")).encode())
    return paths


def read_walk(path: Path) -> tuple[WalkRecord, pd.DataFrame]:
    """The record at `path` and the forecasts beside it.

    Raises:
        ArtifactError: One of the files is absent, damaged, or does not fit the other.
    """
    try:
        record = WalkRecord.model_validate_json(path.read_bytes())
        table = _read_table(path.with_suffix(".csv"), record.key)
        own = ["forecast", "fold"] if record.kind == "backtest" else record.models
        wanted = {
            *([record.key] if record.key else []),
            "date",
            "actual",
            "naive",
            *own,
            *map(quantile_column, record.levels),
        }
        if not wanted <= set(table.columns) or table.empty:
            raise ValueError(f"columns {list(table.columns)}")
    except ValidationError as error:
        raise ArtifactError(
            f"{path}: must be what `kerasforecast backtest` or `compare` wrote; {first_fault(error)} Run it again."
        ) from None
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path}: must stand with its table of forecasts, as it was written. Received: "
            f"{getattr(error, 'strerror', None) or error}. Run the command again."
        ) from None
    return record, table


def _read_table(path: Path, key: str | None) -> pd.DataFrame:
    if key is None:
        return pd.read_csv(path)
    names = pd.read_csv(path, nrows=0).columns
    absent = {name: ["", "nan"] for name in names if name != key}  # an id may be "007" or "NA"
    return pd.read_csv(path, dtype={key: str}, keep_default_na=False, na_values=absent)
