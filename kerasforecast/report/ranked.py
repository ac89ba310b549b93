"""The scores of each series of a fit, from the best to the worst, and what follows from them for all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from kerasforecast.report.finished import FinishedFit

ENDS = 10  # series from each end, and from the middle, that a page shows side by side


@dataclass(frozen=True, eq=False)
class Ranked:
    """Every series of a fit in the order of MASE; those without a score come last.

    Attributes:
        table: A row a series: `id`, numbers by the names of `series.csv`, `better` as 1, 0 or NaN, and `note`, a text.
        code: `(n,)` of each row of the table of forecasts, which row of `table` it belongs to; -1 for none.
    """

    table: pd.DataFrame
    code: np.ndarray

    @classmethod
    def of(cls, fit: FinishedFit) -> Ranked:
        """The series of `fit`: those that it has scores of, else those that it forecast."""
        key = fit.key or str(fit.forecasts.columns[0])
        ids = fit.forecasts[key].astype(str)
        given = fit.per_series if fit.per_series is not None else pd.DataFrame({key: ids.unique()})
        columns: dict[str, np.ndarray] = {"id": given.iloc[:, 0].astype(str).to_numpy()}
        for name in given.columns[1:].difference(["note", "better"], sort=False):
            columns[str(name)] = pd.to_numeric(given[name], errors="coerce").to_numpy(np.float64)
        columns |= {"mase": columns.get("mase", np.full(len(given), np.nan)), "better": _truths(given)}
        if "windows" in columns:
            columns["better"] = np.where(columns["windows"] > 0, columns["better"], np.nan)
        notes = given["note"] if "note" in given else pd.Series([""] * len(given))
        columns["note"] = notes.astype(object).where(notes.notna(), "").astype(str).to_numpy()
        order = np.argsort(np.nan_to_num(columns["mase"], nan=np.inf), kind="stable")
        table = pd.DataFrame(columns).iloc[order].drop_duplicates("id", ignore_index=True)
        return cls(table, pd.Index(table["id"]).get_indexer(pd.Index(ids)))

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def scored(self) -> int:
        """How many series have a score."""
        return int(np.isfinite(self.mase).sum())

    @property
    def mase(self) -> np.ndarray:
        """`(N,)`, ascending."""
        return self.table["mase"].to_numpy(np.float64)

    def rival(self, name: str) -> np.ndarray:
        """`(N,)` the MASE of `"naive"` or `"best"`, the best simple forecast; NaN where it is not known."""
        column = f"{name}_mase"
        return self.table[column].to_numpy(np.float64) if column in self.table else np.full(len(self), np.nan)

    def share_better(self, name: str) -> float | None:
        """On which share of the series the model has the smaller MASE."""
        theirs = self.rival(name)
        both = np.isfinite(self.mase) & np.isfinite(theirs)
        return float((self.mase[both] < theirs[both]).mean()) if both.any() else None

    def ends(self) -> dict[str, np.ndarray]:
        """Places of the series to be shown side by side, by what they are: all where they are few."""
        count = self.scored
        if count <= 3 * ENDS:
            return {"all": np.arange(count)}
        middle = count // 2 - ENDS // 2
        begins = {"best": 0, "median": middle, "worst": count - ENDS}
        return {name: np.arange(begin, begin + ENDS) for name, begin in begins.items()}

    def sample(self, most: int) -> np.ndarray:
        """Places of about `most` series, ascending: those of `ends`, and evenly from the best to the worst."""
        if len(self) <= most:
            return np.arange(len(self))
        even = np.linspace(0, len(self) - 1, most).round().astype(np.int64)
        return np.unique(np.concatenate([even, *self.ends().values()]))

    def scales(self, errors: np.ndarray, naive: np.ndarray) -> np.ndarray:
        """`(N,)` the unit of each series' MASE: its mean absolute error over its MASE, NaN where it has none.

        Args:
            errors: `(n,)` absolute, of the model, a row of the table of forecasts each.
            naive: The same of the naive forecast, which tells where the model is exact.
        """
        found = np.full(len(self), np.nan)
        rows = self.code >= 0
        counts = np.bincount(self.code[rows], minlength=len(self))
        for each, scores in ((naive, self.rival("naive")), (errors, self.mase)):
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.bincount(self.code[rows], each[rows], len(self)) / counts / scores
            found = np.where(np.isfinite(scale) & (scale > 0), scale, found)
        return found


def _truths(given: pd.DataFrame) -> np.ndarray:
    if "better" not in given:
        return np.full(len(given), np.nan)
    words = given["better"].astype(str).str.lower()
    return words.map({"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}).to_numpy(np.float64)
