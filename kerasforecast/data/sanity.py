"""Signs that a valid series is not what its user thinks: splits, filled weekends, a stale tail, a changed step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.frequency import DAY
from kerasforecast.data.numerals import digits
from kerasforecast.data.stamps import iso_text, iso_texts

_RATIOS = np.array([1.5, *range(2, 11), 12, 15, 20, 25, 30, 40, 50, 100])
_NEWS_VOLUME = 8.0  # a crash trades many times the usual volume; a split about as much as its ratio
_NEIGHBOURS = 8  # with fewer rows around it, nobody can say what an ordinary day is
STALE_ROWS = 5
_STEP_CHANGE = 2.5
_RUN = 100
_LARGE = 1.39  # price before over price after, or the inverse
_BLOCK = 100_000
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class StockSplit:
    """A day on which unadjusted prices jump by a split's ratio.

    Attributes:
        date: First day at the new price.
        ratio: Price before over price after: 2.0 for 2 for 1, 0.1 for 1 for 10.
        series: The id of the series, in a panel.
    """

    date: pd.Timestamp
    ratio: float
    series: str = ""

    @property
    def words(self) -> str:
        """`"2 for 1"`, `"3 for 2"`, `"1 for 10"`."""
        if self.ratio == 1.5:
            return "3 for 2"
        if abs(self.ratio * 1.5 - 1) < 1e-9:
            return "2 for 3"
        return f"{self.ratio:g} for 1" if self.ratio > 1 else f"1 for {1 / self.ratio:g}"


def find_splits(
    index: pd.DatetimeIndex, prices: np.ndarray, adjusted: np.ndarray | None, volume: np.ndarray | None
) -> list[StockSplit]:
    """Days on which `prices` jump as an unadjusted split makes them.

    Args:
        index: `(T,)` dates.
        prices: `(T,)` the target.
        adjusted: `(T,)` adjusted prices, where the table has them: they decide, whatever the jump looks like.
        volume: `(T,)` units traded, where the table has them: they tell a crash from a split.
    """
    found = []
    for step in large_steps(prices)[:100]:
        jumps = _jumps(prices[max(step - 20, 0) : step + 22])
        jump = jumps[min(step, 20)]
        ratio = _nearest_ratio(jump)
        if adjusted is not None and (adjusted[step : step + 2] > 0).all():
            real = abs(jump - _jumps(adjusted[step : step + 2])[0] - np.log(ratio)) < 0.05
        else:
            real = _like_split(jumps, min(step, 20), ratio) and not _news(volume, step, ratio)
        if real:
            found.append(StockSplit(index[step + 1], float(ratio)))
    return found


def _jumps(prices: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(prices[:-1] / prices[1:])


def large_steps(prices: np.ndarray) -> np.ndarray:
    """Positions after which the price changes by a third or more; in blocks, since series may be long."""
    found = []
    for start in range(0, len(prices) - 1, _BLOCK):
        block = prices[start : start + _BLOCK + 1]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratios = block[:-1] / block[1:]
        large = (ratios > _LARGE) | (ratios < 1 / _LARGE)
        found.append(start + np.flatnonzero(large & (ratios > 0) & (ratios < np.inf)))
    return np.concatenate(found)


def _nearest_ratio(jump: float) -> float:
    ratio = _RATIOS[np.abs(np.log(_RATIOS) - abs(jump)).argmin()]
    return float(ratio if jump > 0 else 1 / ratio)


def _like_split(jumps: np.ndarray, at: int, ratio: float) -> bool:
    around = np.delete(jumps, at)
    around = around[np.isfinite(around)]
    if len(around) < _NEIGHBOURS:
        return False
    usual = 1.4826 * np.median(np.abs(around))  # a robust standard deviation
    near = abs(jumps[at] - np.log(ratio)) <= min(max(0.03, 3 * usual), 0.12)
    return bool(near and abs(jumps[at]) > 6 * usual)


def _news(volume: np.ndarray | None, step: int, ratio: float) -> bool:
    if volume is None:
        return False
    before = np.median(volume[max(step - 20, 0) : step + 1])
    return bool(before > 0 and volume[step + 1] > _NEWS_VOLUME * before * max(ratio, 1))


def suspicions(index: pd.Index, target: np.ndarray) -> list[str]:
    """What else looks wrong with a dated series, one sentence each.

    Args:
        index: `(T,)` dates; integers give nothing but the tail.
        target: `(T,)` values.
    """
    notes = [_stale_tail(index, target)]
    if isinstance(index, pd.DatetimeIndex):
        notes += [_filled_weekends(index, target), _changed_step(index)]
    return [note for note in notes if note]


def _stale_tail(index: pd.Index, target: np.ndarray) -> str | None:
    run = int(np.argmax(target[::-1] != target[-1]))
    before = np.diff(target[:-run][-_BLOCK:])
    if run < STALE_ROWS or (len(before) and (before == 0).mean() > 0.2):
        return None
    since, value = iso_text(index[-run], index), digits(target[-1], 7)
    return f"The last {run} values are all {value}, from {since} on: the tail looks stale."


def _filled_weekends(index: pd.DatetimeIndex, target: np.ndarray) -> str | None:
    if len(index) < 10 or len(index) > _BLOCK or index[-1] - index[0] < 14 * DAY:
        return None
    weekend = np.asarray(index.day_of_week >= 5)
    weekend[0] = False
    if weekend.sum() < 4:
        return None
    same = np.concatenate([[False], target[1:] == target[:-1]])
    if same[weekend].mean() < 0.9 or same[~weekend].mean() > 0.3:
        return None
    filled = index[weekend & same]
    start, end = iso_texts(filled[[0, -1]], index)
    return (
        f"{len(filled)} rows on Saturdays and Sundays, {start} to {end}, repeat the value "
        "before: they look filled; drop them if the market is closed then."
    )


def _changed_step(index: pd.DatetimeIndex) -> str | None:
    size = max(5, len(index) // 2_000)
    usual = _usual_steps(index, size)
    if len(usual) < 2:
        return None
    at = int(np.abs(np.log(usual[1:] / usual[:-1])).argmax())
    first, last = np.median(usual[: at + 1]), np.median(usual[at + 1 :])
    if max(first, last) / min(first, last) < _STEP_CHANGE:
        return None
    steps = _steps(index.asi8[at * size : (at + 2) * size + 1], index.unit)
    nearer = np.abs(np.log(steps / last)) < np.abs(np.log(steps / first))
    day = iso_text(index[at * size + int(np.argmax(nearer))], index)
    return f"The step changes from {_span(first)} to {_span(last)} at {day}: cut with --start or resample."


def _steps(stamps: np.ndarray, unit: str) -> np.ndarray:
    """Seconds between rows, at least one."""
    return np.maximum(np.diff(stamps) / _PER_SECOND[unit], 1.0)


def _usual_steps(index: pd.DatetimeIndex, size: int) -> np.ndarray:
    """The usual step in each run of `size` rows, in seconds; of a long run its first rows tell it."""
    starts = np.arange(0, len(index) - size, size)
    rows = starts[:, None] + np.arange(min(size, _RUN) + 1)
    return np.median(_steps(index.asi8[rows], index.unit), axis=1) if len(rows) else np.empty(0)


def _span(seconds: float) -> str:
    days = seconds / 86_400
    if days >= 1:
        return f"{days:.3g} day" + ("" if days == 1 else "s")
    minutes = seconds / 60
    return f"{minutes:.3g} minute" + ("" if minutes == 1 else "s")
