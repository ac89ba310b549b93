"""`kerasforecast.drift`: whether a model still is what its test said, by the rows that came after.

Errors one step ahead decide, beside those of validation and test: a shift of their mean, or of their size, is
found by the Page-Hinkley test on their normal scores, and means that the model should be trained again. Intervals that
no longer hold what they should, larger errors, or inputs unlike those before are reasons to watch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.artifact.inputs import kept_panel, with_columns_of
from kerasforecast.data.stamps import iso_text
from kerasforecast.errors import DataError, callers_words
from kerasforecast.serving.signs import FEWEST, Sign, Status, signs_of
from kerasforecast.serving.stretch import origins_of, stretch_of

if TYPE_CHECKING:
    from kerasforecast.artifact.inputs import Data
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model

WATCHED = 1_000  # dates that shifts are looked for in
_WORST: tuple[Status, ...] = ("fine", "watch", "retrain")
_ENOUGH = 100  # dates of validation and test that suffice as a reference


@dataclass(frozen=True)
class Drift:
    """Whether a model still is what its test said.

    Attributes:
        status: `fine`, `watch` (something is unlike before) or `retrain` (its errors are unlike those of its test).
        why: The reasons, one a line; one line where it is fine.
        rows: Forecasts that were compared with what came.
        start: Date or step of the first of them.
        end: That of the last.
        signs: Everything that was looked at.
        notes: What could not be looked at, and why.
        model: The name of the model.
    """

    status: Status
    why: tuple[str, ...]
    rows: int
    start: str | int
    end: str | int
    signs: tuple[Sign, ...]
    notes: tuple[str, ...]
    model: str

    @property
    def exit_code(self) -> int:
        """Of the command: 0 fine; 4 retrain, as where a model lacks the skill asked for; 5 watch."""
        return {"fine": 0, "watch": 5, "retrain": 4}[self.status]

    def as_json(self) -> dict[str, Any]:
        """All of it, of what JSON has."""
        return asdict(self)


@callers_words()
def drift(model: str | PathLike | Model, data: Data = None, *, reference: Data = None, **options: object) -> Drift:
    """Say whether a model still is what its test said, by rows that came after the data it was made from.

    Args:
        model: The model, or the path of its file.
        data: Path, DataFrame, `Panel` or `Series` with the newer rows. Where earlier ones stand before them, those of
            validation and test are what the newer ones are compared with; where there are none, the training data is,
            if it is still at hand.
        reference: Other data with the rows of validation and test, where neither holds them.
        **options: Fields of `DataConfig`, e.g. `target="close"`; an unknown one is an error.

    Returns:
        The status, and why.

    Raises:
        DataError: There are fewer than 20 newer rows with a whole window before them.

    Example:
        >>> import kerasforecast as kf
        >>> model = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1)
        >>> newer = kf.drift(model, model.panel_from(start="2001-01-01", end="2002-06-01"))
        >>> newer.status in ("fine", "watch", "retrain"), newer.rows > 100
        (True, True)
    """
    from kerasforecast.api.loading import load
    from kerasforecast.model import Model

    opened = model if isinstance(model, Model) else load(model)
    earlier = None if reference is None else opened.panel_from(reference)
    return drift_of(opened, opened.panel_from(data, **options), earlier)


def drift_of(model: Model, panel: Panel, reference: Panel | None = None) -> Drift:
    """The same of a panel, and another with those of validation and test.

    Args:
        model: The model.
        panel: With the newer rows.
        reference: With those of validation and test; sought elsewhere where `None`.

    Raises:
        DataError: As in `drift`.
    """
    manifest = model.manifest
    watched, tested = origins_of(manifest, panel)
    dates = panel.index[watched + 1].nunique()
    if dates < FEWEST:
        raise DataError(
            f"{panel.name}: drift needs {FEWEST} rows after those that {manifest.name} was made from, each with the "
            f"{manifest.context} before it. Received: {dates}. Give newer rows, and the earlier ones before them."
        )
    source = panel
    if len(tested) < _ENOUGH:
        other = reference if reference is not None else kept_panel(manifest)
        if other is not None:
            source = with_columns_of(other, manifest)
            tested = origins_of(manifest, source)[1]
    levels = None if manifest.adapted is None else np.array(manifest.adapted.levels)
    newer = stretch_of(model, panel, watched, levels).newest(WATCHED)
    before = stretch_of(model, source, tested, None) if len(tested) >= FEWEST else None
    signs, notes = signs_of(model, newer, before)
    worst = _WORST[max((_WORST.index(sign.status) for sign in signs), default=0)]
    why = tuple(sign.text for sign in signs if sign.status != "fine")
    ends = [iso_text(each, panel.index) for each in (newer.times[0], newer.times[-1])]
    why = why or (f"{len(newer):,} forecasts were as good as the test said.",)
    return Drift(worst, why, len(newer), ends[0], ends[1], signs, notes, manifest.name)
