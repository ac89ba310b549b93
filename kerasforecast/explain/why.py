"""Why a forecast differs from the naive one: the difference, split over the past of the target and over covariates.

Where a network sees changes (scalings `anchor` and `difference`) the past is told by its moves: the move of a row is
what all rows before it lie lower by, so its share is the sum of theirs. Where it sees levels, by its rows, each as far
as it lies from the last one, which is the naive forecast itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.baselines.fitted import Baselines
from kerasforecast.evaluation.shuffling import covariates_of
from kerasforecast.explain.origin import Origin
from kerasforecast.explain.path import MOST, Integrated, integrated
from kerasforecast.preprocessing.windows import windows_of

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

FLAT = "a flat past"


@dataclass(frozen=True, eq=False)
class Why:
    """One forecast, taken apart; raw units.

    Attributes:
        forecast: `(H,)` the model's.
        naive: The last known value.
        best: Name and forecasts `(H,)` of the best simple forecast on validation; `None` where that is the naive one or
            not known.
        moves: Whether the past is told by moves and not by rows.
        lags: `(H, L)` what each row or move of the target adds; the last column is lag 1, the last row.
        groups: What each group of them adds `(H,)`, by its name; then each covariate.
        flat: `(H,)` what the network forecasts of a flat window beyond the naive forecast; attributes of the series are
            as they are there.
        residual: `(H,)` what the parts lack of the difference.
        gradients: How many it took.
    """

    forecast: np.ndarray
    naive: float
    best: tuple[str, np.ndarray] | None
    moves: bool
    lags: np.ndarray
    groups: dict[str, np.ndarray]
    flat: np.ndarray
    residual: np.ndarray
    gradients: int

    @property
    def difference(self) -> np.ndarray:
        """`(H,)` the forecast minus the naive one."""
        return self.forecast - self.naive

    @property
    def share(self) -> float | None:
        """The residual of all steps as a share of the difference; `None` where there is no difference to speak of."""
        total = float(np.abs(self.difference).sum())
        if total <= 4e-7 * float(np.abs(self.forecast).sum()):
            return None
        return float(np.abs(self.residual).sum()) / total

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """What the difference is the sum of, but for the residual: groups of the past, covariates, a flat past."""
        return {**self.groups, FLAT: self.flat}


def why(predictor: Predictor, origin: Origin, baselines: Baselines | None) -> Why:
    """Take a forecast apart."""
    batch = predictor.checked(origin.batch)
    most = MOST // 10 if predictor.paths else MOST  # paths cost a hundred forecasts
    found = integrated(predictor.predict, predictor.gradients, batch, predictor.horizon, most)
    moves = all(member.scaling.per_window for member in predictor.members)
    lags = _by_move(batch.past[0, :, 0], found.past[:, :, 0]) if moves else found.past[:, :, 0]
    return Why(
        forecast=found.end,
        naive=origin.naive,
        best=_best(baselines, origin, predictor.horizon),
        moves=moves,
        lags=lags,
        groups={**_grouped(lags, moves), **_covariates(origin, found)},
        flat=found.start - origin.naive,
        residual=found.residual,
        gradients=found.gradients,
    )


def _by_move(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What the rows of a window add, `(H, L)`, as what its moves add: the first row has none."""
    away = values.astype(np.float64) - float(values[-1])  # (L,)
    slopes = np.divide(rows, away, out=np.zeros_like(rows), where=away != 0)
    before = np.cumsum(slopes, axis=1) - slopes  # of all rows before each
    found = -np.diff(values.astype(np.float64), prepend=float(values[0])) * before
    return np.asarray(found)


def lag_groups(window: int) -> list[tuple[int, int]]:
    """Lags from and to, each group twice as many as the one before: 1, 2, 3 to 4, 5 to 8, ..."""
    found, first, size = [], 1, 1
    while first <= window:
        last = min(first + size - 1, window)
        found.append((first, last))
        size = size if first == 1 else 2 * size
        first = last + 1
    return found


def _grouped(lags: np.ndarray, moves: bool) -> dict[str, np.ndarray]:
    window = lags.shape[1]
    what = "move" if moves else "row"
    found = {}
    for first, last in lag_groups(window):
        part = lags[:, window - last : window - first + 1].sum(axis=1)
        if first == 1 and not moves:
            continue  # the last row is what all are measured from
        one = f"the last {what}" if first == 1 else f"{what} {first} back"
        found[one if first == last else f"{what}s {first} to {last} back"] = part
    return found


def _covariates(origin: Origin, found: Integrated) -> dict[str, np.ndarray]:
    parts = {"past": found.past, "known": found.known}
    return {
        each.name: part[:, :, list(each.places)].sum(axis=(1, 2))
        for each in covariates_of(origin.panel)
        if (part := parts.get(each.role)) is not None
    }


def _best(baselines: Baselines | None, origin: Origin, horizon: int) -> tuple[str, np.ndarray] | None:
    if baselines is None or baselines.best == "naive":
        return None
    steps = min(horizon, baselines.steps)
    panel = origin.panel
    reach = max(steps, horizon) if panel.known_columns else steps
    windows = windows_of(panel, np.array([origin.row]), origin.windows.window, steps, reach)
    points = baselines.of_steps(steps).forecasts(windows)[baselines.best].point[0]
    return baselines.best, np.pad(points.astype(np.float64), (0, horizon - steps), constant_values=np.nan)
