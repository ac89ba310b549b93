"""What a page draws of each of many series: the last known rows, the last forecasts of the test part, those ahead.

Everything is gathered for all series at once, into arrays with a row a series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.data.stamps import parsed
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.metrics.probabilistic import central_intervals
from kerasforecast.report.finished import FinishedFit
from kerasforecast.report.outlook import interval_name
from kerasforecast.report.parts import steps_of
from kerasforecast.report.ranked import Ranked

TAIL = 60  # known rows at least, where a series has them
LONGEST = 400  # and at most, before a long forecast
TESTED = 36  # forecasts of the test part at least
_NOMINAL = 0.8  # the share that the drawn interval is meant to cover, or the nearest that there is


@dataclass(frozen=True, eq=False)
class Curves:
    """Of K series what is drawn; NaN stands where a series has nothing.

    Attributes:
        when: `(D,)` ascending: milliseconds since 1970, integer steps, or places in `labels`.
        kind: Which of them: `"date"`, `"step"` or `"text"`.
        labels: The texts that are no dates.
        rows: `(K, T)` places in `when` of the last known rows, right-aligned.
        known: `(K, T)` their values.
        tested: `(3, K, T)` forecast, lower and upper end of the interval there.
        begins: `(K, T)` whether a path of forecasts begins there: one does not lead to the next.
        coming: `(K, S)` places in `when` of the rows to come.
        ahead: `(3, K, S)` as `tested`.
        interval: Its name; `None` where there is none.
    """

    when: np.ndarray
    kind: str
    labels: list[str]
    rows: np.ndarray
    known: np.ndarray
    tested: np.ndarray
    begins: np.ndarray
    coming: np.ndarray
    ahead: np.ndarray
    interval: str | None


def room(fit: FinishedFit, ranked: Ranked) -> tuple[int, int]:
    """How many known rows, and how many forecasts of the test part, are drawn of each series at most."""
    steps = steps_of(fit.forecasts)
    most = np.bincount(ranked.code[ranked.code >= 0]).max(initial=1) // steps  # origins of one series
    whole = -(-int(most) // steps)  # paths one after another
    tail = min(LONGEST, max(TAIL, 2 * steps))
    return tail, min(tail // steps or 1, max(TESTED // steps, 1), max(whole, 1)) * steps


def curves(fit: FinishedFit, ranked: Ranked, places: np.ndarray) -> Curves:
    """The curves of the series at `places` `(K,)` of `ranked`."""
    tail, most = room(fit, ranked)
    ends, interval = _ends(fit)
    own = np.full(len(ranked) + 1, -1)  # the last is that of code -1
    own[places] = np.arange(len(places))
    test, ahead = _tested(fit, own[ranked.code]), _ahead(fit, ranked, own)
    moments, kind, labels = _moments([test["date"], ahead["date"]])
    test, ahead = test.assign(when=moments[0]), ahead.assign(when=moments[1])
    past = _known(fit.panel, kind, ranked.table["id"].to_numpy()[places], tail)
    if past is None:
        once = test.drop_duplicates(["place", "when"])
        past = once["place"].to_numpy(), once["when"].to_numpy(), once["actual"].to_numpy(np.float64)
    place, when, values = _last(*past, tail)
    every, codes = np.unique(np.concatenate([when, ahead["when"]]), return_inverse=True)
    column = tail - 1 - _from_end(place)
    rows, known = np.full((len(places), tail), -1), np.full((len(places), tail), np.nan)
    rows[place, column], known[place, column] = codes[: len(place)], values

    paths = _paths(test, most)
    found, there = _where(place * (len(every) + 1) + codes[: len(place)], paths, every)
    paths, down, across = paths[there], place[found], column[found]
    tested, begins = np.full((3, len(places), tail), np.nan), np.zeros((len(places), tail), bool)
    for line, name in enumerate(("forecast", *ends)):
        tested[line, down, across] = paths[name]
    begins[down, across] = paths["step"] == 1 if "step" in paths else False

    step = ahead.groupby("place").cumcount().to_numpy()
    shape = (len(places), int(step.max()) + 1 if len(step) else 0)
    coming, lines = np.full(shape, -1), np.full((3, *shape), np.nan)
    coming[ahead["place"], step] = codes[len(place) :]
    for line, name in enumerate(("forecast", *ends)):
        lines[line, ahead["place"], step] = ahead.get(name, np.nan)
    return Curves(every, kind, labels, rows, known, tested, begins, coming, lines, interval)


def _where(keys: np.ndarray, paths: pd.DataFrame, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the known rows, ascending by `keys` `(n,)` of series and date, forecasts are of, and which have one."""
    spots = np.searchsorted(every, paths["when"])
    wanted = paths["place"].to_numpy() * (len(every) + 1) + spots
    found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    dated = np.append(every, np.nan)[spots] == paths["when"].to_numpy()
    there = dated & (keys[found] == wanted) if len(keys) else np.zeros(len(wanted), bool)
    return found[there], there


def _ends(fit: FinishedFit) -> tuple[list[str], str | None]:
    """The columns of the drawn interval's ends, and its name."""
    intervals = central_intervals(fit.levels) if fit.levels else []
    if not intervals:
        return [], None
    nominal, low, high = min(intervals, key=lambda each: abs(each[0] - _NOMINAL))
    return [quantile_column(fit.levels[low]), quantile_column(fit.levels[high])], interval_name(nominal)


def _tested(fit: FinishedFit, place: np.ndarray) -> pd.DataFrame:
    """The test forecasts of the chosen series, one series after another, with their `place`; -1 stands for others."""
    rows = np.flatnonzero(place >= 0)
    rows = rows[np.argsort(place[rows], kind="stable")]
    return fit.forecasts.iloc[rows].reset_index(drop=True).assign(place=place[rows])


def _ahead(fit: FinishedFit, ranked: Ranked, own: np.ndarray) -> pd.DataFrame:
    """The rows to come of the chosen series, one series after another, with their `place`."""
    if fit.ahead is None or fit.key not in fit.ahead:
        return pd.DataFrame({"date": [], "forecast": [], "place": np.empty(0, np.int64)})
    place = own[pd.Index(ranked.table["id"]).get_indexer(pd.Index(fit.ahead[fit.key].astype(str)))]
    table = fit.ahead.assign(place=place)
    return table[place >= 0].sort_values("place", kind="stable", ignore_index=True)


def _moments(dates: list[pd.Series]) -> tuple[list[np.ndarray], str, list[str]]:
    """Dates as numbers in their order, what these are, and the texts where they are no dates at all."""
    joined = pd.concat([each.astype(object) for each in dates], ignore_index=True)
    codes, unique = pd.factorize(joined)
    steps = pd.to_numeric(pd.Series(unique, dtype=object), errors="coerce").to_numpy(np.float64)
    if all(isinstance(each, int | np.integer) for each in unique):
        numbers, kind, labels = steps, "step", []
    else:
        stamps = [parsed(each) for each in unique]
        if None in stamps:
            numbers, kind, labels = np.arange(len(unique), dtype=np.float64), "text", [str(each) for each in unique]
        else:
            numbers, kind, labels = _milliseconds(pd.DatetimeIndex(stamps)), "date", []
    found = numbers[codes] if len(unique) else np.empty(0)
    return np.split(found, np.cumsum([len(each) for each in dates])[:-1]), kind, labels


def _milliseconds(index: pd.Index) -> np.ndarray:
    """Dates as milliseconds since 1970; integer steps as they are."""
    dated = isinstance(index, pd.DatetimeIndex)
    return (index.as_unit("ms").asi8 if dated else np.asarray(index)).astype(np.float64)


def _known(
    panel: Panel | None, kind: str, ids: np.ndarray, tail: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The last rows of each series that the panel has: place, date and value; `None` where it is not at hand."""
    if panel is None or kind != ("date" if panel.dated else "step"):
        return None
    found = pd.Index(panel.ids.astype(object)).get_indexer(pd.Index(ids))
    counts = np.where(found < 0, 0, np.minimum(panel.observed[found], tail))
    place = np.repeat(np.arange(len(ids)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = (panel.ends[found] - counts)[place] + within
    return place, _milliseconds(panel.index[rows]), panel.values[rows, 0]


def _last(
    place: np.ndarray, when: np.ndarray, values: np.ndarray, tail: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The last `tail` rows of each series, in the order of series and dates."""
    order = np.lexsort((when, place))
    place, when, values = place[order], when[order], values[order]
    kept = _from_end(place) < tail
    return place[kept], when[kept], values[kept]


def _from_end(place: np.ndarray) -> np.ndarray:
    """How many rows of its own series come after each; `place` ascends."""
    ends = np.searchsorted(place, place, side="right")
    return ends - 1 - np.arange(len(place))


def _paths(test: pd.DataFrame, most: int) -> pd.DataFrame:
    """Of each series whole paths one after another, of at most `most` rows, the last of which ends last."""
    steps = steps_of(test) if len(test) else 1
    begins = np.flatnonzero(test["step"] == 1) if "step" in test else np.arange(len(test))
    later = _from_end(test["place"].to_numpy()[begins])
    begins = begins[(later % steps == 0) & (later // steps < most // steps)]
    rows = (begins[:, None] + np.arange(steps)).ravel()
    return test.iloc[rows[rows < len(test)]]
