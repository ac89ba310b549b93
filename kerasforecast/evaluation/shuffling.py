"""Forecasts of windows whose rows of one covariate come from another time, or whose attribute is another series'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kerasforecast.data.date_features import apart
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.windows import Windows

Answer = Callable[[WindowBatch], np.ndarray]

_AT_ONCE = 1_024


@dataclass(frozen=True)
class Covariate:
    """What is shuffled together.

    Attributes:
        name: Of its column, or of what its columns say together.
        role: How it is known.
        columns: Their names.
        places: Their places in the window's array of that role.
    """

    name: str
    role: Literal["past", "known", "static"]
    columns: tuple[str, ...]
    places: tuple[int, ...]


def covariates_of(panel: Panel) -> tuple[Covariate, ...]:
    """The covariates of a panel; of a lone series without the attributes, which cannot differ.

    The sine and cosine of a cycle are one, and so are all columns that tell holidays.
    """
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for place, column in enumerate(panel.past_columns[1:], 1):
        found["past", column] = [(column, place)]
    for place, column in enumerate(panel.known_columns):
        found.setdefault(("known", _subject(panel, column)), []).append((column, place))
    for place, column in enumerate(panel.static_columns if len(panel) > 1 else ()):
        found["static", column] = [(column, place)]
    return tuple(_covariate(role, name, members) for (role, name), members in found.items())


@dataclass(frozen=True, eq=False)
class Pools:
    """Where the rows that a window is given come from: origins of its own series.

    Attributes:
        panel: The series.
        first: `(M,)` the first origin of each.
        stop: `(M,)` one past the last.
        places: `(N,)` whose each window is.
    """

    panel: Panel
    first: np.ndarray
    stop: np.ndarray
    places: np.ndarray

    @property
    def room(self) -> np.ndarray:
        """Origins to choose from for each window, `(N,)`: with one alone nothing can be shuffled."""
        return (self.stop - self.first)[self.places]

    def at(self, origins: np.ndarray) -> Pools:
        """Those of the windows that end at `origins`."""
        return replace(self, places=self.panel.places(origins))

    def later(self, origins: np.ndarray, reach: int, part: float) -> np.ndarray:
        """Origins `(N,)` by a `part` of the room later than `origins`, round about: neighbours stay neighbours.

        They are at least `reach` rows away where there is room for that.
        """
        first, room = self.first[self.places], self.room
        least = np.minimum(reach, room // 3)
        shift = np.maximum(least + (part * (room - 2 * least)).astype(np.int64), 1)
        return first + (origins - first + shift) % room


def pools_of(windows: Windows) -> Pools:
    """All origins of `windows` of each series; also earlier ones where these are so few that most overlap."""
    panel, reach = windows.panel, windows.window + windows.steps
    places = panel.places(windows.origins)
    first, stop = np.zeros(len(panel), np.int64), np.zeros(len(panel), np.int64)
    first[places[::-1]] = windows.origins[::-1]  # of several that are assigned to one place the last one stays
    stop[places] = windows.origins + 1
    starts = panel.starts[:-1]
    earlier = starts + np.minimum(windows.window - 1, np.maximum(3, (first - starts) // 2))
    first = np.where(stop - first < 2 * reach, np.minimum(earlier, first), first)
    return Pools(panel, first, stop, places)


@dataclass(frozen=True, eq=False)
class Rise:
    """What shuffling one covariate does to the losses.

    Attributes:
        each: By how much the loss of each window rises, `(N,)`, on average over the shuffles.
        before: The mean loss without a shuffle.
        after: The mean loss in each shuffle, `(R,)`.
    """

    each: np.ndarray
    before: float
    after: np.ndarray

    @property
    def share(self) -> float | None:
        """By which the mean loss rises; `None` where it is zero."""
        return float(np.mean(self.after) / self.before - 1) if self.before > 0 else None


class Shuffling:
    """Forecasts of windows with rows of a covariate from elsewhere, beside those with its own.

    Args:
        answer: Raw windows to forecasts.
        scaling: What the network sees of the past.
        windows: Those that are forecast.
        pools: Where the rows for each come from.
        units: As in `importance_of`.
    """

    def __init__(
        self, answer: Answer, scaling: FittedScaling, windows: Windows, pools: Pools, units: np.ndarray | None
    ) -> None:
        self._answer, self._scaling, self._windows, self._pools = answer, scaling, windows, pools
        self._places = windows.panel.places(windows.origins)
        self._units = None if units is None else units[self._places]
        self._random = np.random.default_rng(1)

    def rises(self, covariates: tuple[Covariate, ...], shuffles: int) -> list[Rise]:
        """Of each covariate what so many shuffles do."""
        count = len(self._windows)
        own, rises = np.empty(count), np.zeros((len(covariates), count))
        means = np.zeros((len(covariates), shuffles))
        elsewhere = [self._elsewhere(number, shuffles) for number in range(shuffles)]
        for rows in self._chunks():
            batch, targets = self._windows.batch(rows), self._windows.targets(rows)
            unit = 1.0 if self._units is None else self._units[rows]
            own[rows] = self._losses(batch, targets) / unit
            for number, (origins, attributes) in enumerate(elsewhere):
                other = replace(self._windows, origins=origins[rows]).batch()
                other = replace(other, static=None if attributes is None else attributes[rows].astype(np.float32))
                for place, covariate in enumerate(covariates):
                    losses = self._losses(self._given(batch, other, covariate), targets) / unit
                    rises[place, rows] += losses - own[rows]  # exactly nothing where nothing changes
                    means[place, number] += np.sum(losses) / count
        mean = float(np.sum(own)) / count
        return [Rise(each / shuffles, mean, after) for each, after in zip(rises, means, strict=True)]

    def _given(self, batch: WindowBatch, other: WindowBatch, covariate: Covariate) -> WindowBatch:
        """`batch` with the columns of one covariate as they are in `other`."""
        mixed = batch.arrays[covariate.role].copy()
        for place in covariate.places:
            mixed[..., place] = other.arrays[covariate.role][..., place]
            if covariate.role == "past" and self._scaling.transforms[place] == "ratio":
                mixed[..., place] = self._as_far(batch.past, other.past, place)
        return replace(batch, **{covariate.role: mixed})

    def _as_far(self, own: np.ndarray, other: np.ndarray, place: int) -> np.ndarray:
        """A column `(n, L)` that stands as far from its reference in `own` windows as it does in `other` ones.

        A network sees of such a column its distance from the reference, in units of the window's volatility. The day's
        high of another year would not be a shuffled high but nonsense.
        """
        scaling, exact = self._scaling, own.astype(np.float64)
        unit = np.log(scaling.unbounded(exact, np.ones((len(own), 1))) / exact[:, -1, :1])  # (n, 1)
        distance = scaling.inputs(other.astype(np.float64))[:, :, place]  # the first row has none, and is not looked at
        found: np.ndarray = own[..., scaling.reference[place]] * np.exp(distance * unit)
        return found

    def _losses(self, batch: WindowBatch, targets: np.ndarray) -> np.ndarray:
        """Mean absolute error of each window, `(n,)`."""
        errors: np.ndarray = np.abs(self._answer(batch)[:, : targets.shape[1]] - targets)
        return errors.mean(axis=1)

    def _elsewhere(self, number: int, shuffles: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Origins `(N,)` that the rows for each window come from, and attributes `(N, S)` of other series."""
        part = (number + self._random.random()) / shuffles
        origins = self._pools.later(self._windows.origins, self._windows.window + self._windows.steps, part)
        static = self._windows.panel.static
        if static is None:
            return origins, None
        series = np.unique(self._places)
        turned = np.zeros(len(self._windows.panel), np.int64)
        turned[series] = self._random.permutation(series)
        return origins, static[turned[self._places]]

    def _chunks(self) -> Iterator[slice]:
        return (slice(start, start + _AT_ONCE) for start in range(0, len(self._windows), _AT_ONCE))


def _covariate(role: str, name: str, members: list[tuple[str, int]]) -> Covariate:
    columns, places = zip(*members, strict=True)
    return Covariate(columns[0] if len(columns) == 1 else name, role, columns, places)  # type: ignore[arg-type]


def _subject(panel: Panel, column: str) -> str:
    """What a known column tells of: itself, or the part of the date that others may tell of too."""
    if column not in panel.calendar_columns:
        return column
    feature, _ = apart(panel.calendar_columns[column])
    return "holidays" if ":" in feature else feature.removesuffix("_sin").removesuffix("_cos")
