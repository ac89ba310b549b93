"""The sets that `worth.py` compares on: tables as long frames, where their test parts begin, and how forecasts score.

Needs NumPy and pandas alone: the peers' environment has it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)

WINDOWS = {
    "h": 168,
    "MS": 24,
    "QS": 16,
    "W-MON": 104,
    "W-SAT": 104,
}  # rows that a peer's network sees, by step of dates


@dataclass(frozen=True)
class Set:
    """A set of series.

    Attributes:
        file: Its name without ending.
        target: Column to forecast, or several, each a series of its own.
        step: Of the dates, as pandas calls it.
        horizon: Steps H of a forecast.
        origins: Forecasts of each series, H rows apart, which cover the test part.
        period: Rows of a season, which the scale of MASE is of.
        season: Rows of its longest season, for models that are told of two.
        id: Column that names the series.
        known: Columns known ahead.
        static: Attributes.
    """

    file: str
    target: str | tuple[str, ...]
    step: str
    horizon: int
    origins: int
    period: int
    season: int
    id: str | None = None
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @property
    def test_rows(self) -> int:
        """Rows of the test part of each series."""
        return self.horizon * self.origins


SETS = {
    "pedestrian": Set("pedestrian", "Count", "h", 24, 28, 24, 168, id="Sensor"),
    "aus_retail": Set("aus_retail", "Turnover", "MS", 12, 2, 12, 12, id="Series_ID", static=("State", "Industry")),
    "us_gasoline": Set("us_gasoline", "Barrels", "W-MON", 52, 3, 52, 52),
    "aus_production": Set("aus_production", ("Beer", "Gas", "Electricity"), "QS", 8, 3, 4, 4),
    "epf_be": Set("epf_be", "y", "h", 24, 28, 24, 168, known=("gen_forecast", "system_load")),
    "co2_weekly": Set("statsmodels__co2_weekly", "co2", "W-SAT", 52, 3, 52, 52),
}


def table(name: str, folder: Path, *, earlier: int = 0) -> pd.DataFrame:
    """A set as `unique_id`, `ds`, `y` and its covariates, sorted, without gaps.

    Hours without a count are those of the week before; weeks without a value are interpolated. Series too short for
    three test parts are left out.

    Args:
        name: Of the set.
        folder: Where its file is.
        earlier: Test parts to leave out: what lies before them is then the test part, for choices.
    """
    found = SETS[name]
    frame = pd.read_csv(folder / f"{found.file}.csv.gz", parse_dates=["Date"]).rename(columns={"Date": "ds"})
    if isinstance(found.target, tuple):
        frame = frame.melt("ds", list(found.target), "unique_id", "y")
    else:
        frame = frame.rename(columns={found.target: "y"} | ({found.id: "unique_id"} if found.id else {}))
    if "unique_id" not in frame:
        frame["unique_id"] = name
    columns = ["unique_id", "ds", "y", *found.known, *found.static]
    parts = []
    for _, part in frame[columns].groupby("unique_id", sort=True):
        whole = _filled(part, found)
        whole = whole.iloc[: len(whole) - earlier * found.test_rows]
        if len(whole) >= 3 * found.test_rows:
            parts.append(whole)
    return pd.concat(parts, ignore_index=True)


def _filled(part: pd.DataFrame, found: Set) -> pd.DataFrame:
    part = part.set_index("ds").sort_index()
    index = pd.date_range(part.index[0], part.index[-1], freq=found.step)
    whole = part.reindex(index)
    whole["unique_id"] = part["unique_id"].iloc[0]
    if found.step == "h":
        while whole["y"].isna().any():
            before = whole["y"].shift(found.season)
            if not (whole["y"].isna() & before.notna()).any():
                break
            whole["y"] = whole["y"].fillna(before)
    numbers = ["y", *found.known]
    whole[numbers] = whole[numbers].interpolate().bfill()
    return whole.rename_axis("ds").reset_index()


def scores(name: str, frame: pd.DataFrame, points: np.ndarray, quantiles: np.ndarray | None = None) -> dict[str, Any]:
    """MASE, scaled CRPS, and the shares inside the 80 and 95 % intervals, over the test part of all series.

    Args:
        name: Of the set.
        frame: As `table` gives it.
        points: `(series, origins, H)` in the order of `frame`.
        quantiles: `(series, origins, H, K)` at `LEVELS`.
    """
    found = SETS[name]
    values = [part["y"].to_numpy(float) for _, part in frame.groupby("unique_id", sort=True)]
    actual = np.stack([each[-found.test_rows :].reshape(found.origins, found.horizon) for each in values])
    history = [each[: -found.test_rows] for each in values]
    scale = np.array([np.abs(each[found.period :] - each[: -found.period]).mean() for each in history])[:, None, None]
    errors = np.abs(actual - points) / scale
    result: dict[str, Any] = {"mase": _short(errors.mean()), "rmsse": None}
    squares = np.array([np.mean((each[found.period :] - each[: -found.period]) ** 2) for each in history])
    result["rmsse"] = _short(np.sqrt(((actual - points) ** 2).mean(axis=(1, 2)) / squares).mean())
    if quantiles is not None:
        away = actual[..., None] - quantiles
        levels = np.array(LEVELS)
        loss = np.maximum(levels * away, (levels - 1) * away).mean(axis=-1)
        result["crps"] = _short(2 * (loss / scale).mean())
        for share, low, high in ((80, 1, -2), (95, 0, -1)):
            inside = (actual >= quantiles[..., low]) & (actual <= quantiles[..., high])
            steps = inside.mean(axis=(0, 1))
            result[f"inside_{share}"] = _short(inside.mean())
            result[f"inside_{share}_by_step"] = [_short(steps.min()), _short(steps.max())]
    return result


def _short(number: float) -> float:
    return float(f"{number:.4g}")
