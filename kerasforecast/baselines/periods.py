"""The seasons of a series, in rows: those that its calendar suggests and its training rows bear out, and any other.

Several may matter at once: half-hourly demand has a day of 48 rows and a week of 336, and the week is the better guide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pandas.tseries.frequencies import to_offset

from kerasforecast.data.frequency import days_a_week
from kerasforecast.data.months import months_of

MOST = 3  # seasons that are kept of one series
_ACF_BOUND = 4.0  # standard errors; a plain 95 % bound would find a season among a thousand lags of any random walk
_LONGEST_SEARCH = 3_000  # rows of a season that no calendar suggests
_ROWS = 100_000  # the newest training rows that seasons are looked for in: enough for any of them
_ABOUT = 1.2  # spreads within this factor are about the same: the shortest season of them counts
_ASKED = 36  # series of several that are asked for their seasons
_MULTIPLES = 60  # of a season found, among which a longer one is looked for

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "D": 86_400, "W": 604_800}
_DAY, _WEEK, _YEAR = 86_400, 604_800, 31_557_600


def find_periods(history: np.ndarray, usual: Sequence[int] = ()) -> tuple[int, ...]:
    """Rows of each season of a series, the shortest first; none where it has none, as prices have none.

    Args:
        history: `(T,)` training part of the series. A season must be there three times.
        usual: Seasons that the calendar of the series suggests (`calendar_periods`).

    Returns:
        At most three periods, each at least 2.
    """
    values = np.asarray(history, dtype=np.float64)[-_ROWS:]
    if len(values) < 6 or np.ptp(values) == 0:
        return ()
    found = usual_periods(values, usual)
    if not found and _stands_out(values, first := find_period(values, _LONGEST_SEARCH), 1):
        found.append(first)
    if found and (longer := _longer(values, min(found))) and not any(_alike(longer, known) for known in found):
        found.append(longer)
    return tuple(sorted(found)[:MOST])


def usual_periods(values: np.ndarray, usual: Sequence[int]) -> list[int]:
    """Those of the `usual` seasons that the `values` `(T,)` bear out, ascending."""
    found: list[int] = []
    for period in sorted(usual):
        inner = found[-1] if found else 1
        whole = max(1, round(period / inner)) * inner  # 364 days where weeks matter, since 365 is another weekday
        if _stands_out(values, whole, inner):
            found.append(whole)
    return found


def shared_periods(values: np.ndarray, first: np.ndarray, stop: np.ndarray, usual: Sequence[int]) -> tuple[int, ...]:
    """Rows of each season that most of the longer of several series have; those of the one, where there is one.

    Args:
        values: `(R,)` the rows of all N series.
        first: `(N,)` the first training row of each.
        stop: `(N,)` one past the last.
        usual: As `find_periods`.
    """
    rows = stop - first
    long = np.flatnonzero(rows >= max(1, rows.max() / 2))
    asked = long[np.unique(np.linspace(0, len(long) - 1, _ASKED).astype(int))]
    found = Counter(period for place in asked for period in find_periods(values[first[place] : stop[place]], usual))
    return tuple(sorted(period for period, count in found.items() if 2 * count > len(asked))[:MOST])


def calendar_periods(frequency: str | None) -> tuple[int, ...]:
    """Seasons that are usual for the step of a series: of half an hour a day and a week, of a month a year.

    Args:
        frequency: As a `Series` has it; none are known without.

    Returns:
        Rows a day, a week and a year, those of them that are whole and at least 2; a year of daily steps or longer.
    """
    if frequency is None:
        return ()
    if (days := days_a_week(frequency)) is not None:
        return (days,)
    if frequency.startswith("SM-"):  # two days of a month
        return (24,)
    if frequency.startswith("WOM-"):  # a weekday of a month
        return (12,)
    if (months := months_of(frequency)) is not None:
        return (12 // months,) if 12 % months == 0 and months < 12 else ()
    offset = to_offset(frequency)
    unit, count = offset.rule_code.split("-")[0], offset.n
    if unit not in _SECONDS:
        return ()
    step = count * _SECONDS[unit]
    spans = [span // step for span in (_DAY, _WEEK) if span % step == 0]
    return tuple(rows for rows in (*spans, round(_YEAR / step) if step >= _DAY else 0) if rows > 1)


def find_period(history: np.ndarray, longest: int | None = None) -> int:
    """Rows of one season of a series of which nothing else is known, 1 where it has none.

    A season shows as a peak in the autocorrelation of the changes, well outside chance, where the detrended values too
    resemble themselves more than half a season away (a random walk, which has only peaks of chance, does not). Among
    peaks about as high the shortest is the season and the others its multiples; then the lag nearby is taken over
    which the values change most evenly, since the changes of a smooth series put their peak a little off.

    Args:
        history: `(T,)` training part of the series.
        longest: Longest season to look for, in rows; a third of the history when not given.

    Returns:
        The period, at least 2, or 1.
    """
    values = np.asarray(history, dtype=np.float64)
    longest = min(longest or len(values), len(values) // 3)
    if longest < 2 or np.ptp(values) == 0:
        return 1
    from scipy.signal import detrend  # 0.6 s: only where seasons are looked for

    whole = _autocorrelation(detrend(values), longest + 1)
    changes = _autocorrelation(np.diff(values), longest + 1)
    bound = _ACF_BOUND / np.sqrt(len(values))
    peaks = [
        lag
        for lag in range(2, longest + 1)
        if changes[lag] > max(bound, changes[lag - 1], changes[lag + 1]) and whole[lag] > whole[lag // 2] + 0.2
    ]
    if not peaks:
        return 1
    highest = max(changes[lag] for lag in peaks)
    first = next(lag for lag in peaks if changes[lag] >= 0.8 * highest)
    nearby = range(max(2, first - first // 10), min(longest, first + first // 10) + 1)
    return min(nearby, key=lambda lag: _spread(values, lag))


def _stands_out(values: np.ndarray, period: int, inner: int) -> bool:
    """Whether values a period apart differ less than values half a period nearer and farther, beyond chance.

    A random walk's differ more and more with the distance, and noise's alike at every one. `inner` is a shorter season,
    of which all three distances are multiples: a week is measured against other whole days.
    """
    if period < 2 or len(values) < 3 * period:
        return False
    steps = [max(1, round(share * period / inner)) * inner for share in (0.5, 1.5)]
    around = [_spread(values, lag) for lag in steps if lag != period]
    return len(around) == 2 and _spread(values, period) < _clearly_less(len(values)) * min(around)


def _longer(values: np.ndarray, inner: int) -> int | None:
    """The multiple of a season `inner` over which values change least, where that is a season too: a week of days."""
    multiples = [k * inner for k in range(1, min(_MULTIPLES, len(values) // (3 * inner)) + 1)]
    if len(multiples) < 2:
        return None
    least = min(_spread(values, lag) for lag in multiples)
    best = next(lag for lag in multiples if _spread(values, lag) <= _ABOUT * least)  # two weeks do as well as one
    beside = [inner, best - inner, best + inner]
    clearly = all(_spread(values, best) < _clearly_less(len(values)) * _spread(values, lag) for lag in beside)
    return best if best > inner and clearly else None


def _clearly_less(rows: int) -> float:
    """The share that a spread must stay below to be called smaller: few rows leave more to chance."""
    return 1 - max(0.15, 3 / np.sqrt(rows))


def _spread(values: np.ndarray, lag: int) -> float:
    """Variance of the changes over `lag` rows; a trend adds nothing to it."""
    return float(np.var(values[lag:] - values[:-lag]))


def _alike(one: int, other: int) -> bool:
    return abs(one - other) <= 0.05 * max(one, other)


def _autocorrelation(series: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelation at lags 0..`lags`, by the FFT: the direct sum is quadratic in the length of the history."""
    centred = series - series.mean()
    from scipy.signal import correlate

    products = correlate(centred, centred, mode="full", method="fft")[len(series) - 1 :]
    return products[: lags + 1] / products[0] if products[0] > 0 else np.zeros(lags + 1)
