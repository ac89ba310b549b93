"""Rows that came after forecasts, as they are posted: what a served model's drift is judged by."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

from kerasforecast.artifact.inputs import kept_panel, with_columns_of
from kerasforecast.data.stamps import parsed
from kerasforecast.preprocessing.covariates import Categories
from kerasforecast.serving.asked import Asked, panel_of
from kerasforecast.serving.drift import drift_of
from kerasforecast.serving.limits import Limits, Refused

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model
    from kerasforecast.serving.drift import Drift
    from kerasforecast.serving.shelf import Served

_KEPT = 20_000  # rows a model, the newest


class Outcomes:
    """Rows of each model in memory, the newest of them; they go with the server.

    Args:
        limits: Of a request.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self._lock = limits, Lock()
        self._rows: dict[str, pd.DataFrame] = {}
        self._options: dict[str, dict[str, Any]] = {}
        self._found: dict[tuple[str, str], Drift] = {}

    def post(self, served: Served, request: Asked) -> dict[str, Any]:
        """Keep the rows of a request: one of a date that is known takes the earlier one's place.

        Raises:
            InputError: They do not fit to one another, or to the model; nothing of them is kept.
        """
        panel = panel_of(served, request, self._limits)
        with self._lock:
            rows = rows_of(panel)
            earlier = self._rows.get(served.name)
            if earlier is not None:
                if list(earlier.columns) != list(rows.columns):
                    raise Refused(422, f"Outcomes must have the columns of the earlier ones, {list(earlier.columns)}.")
                rows = pd.concat([earlier, rows]).drop_duplicates(_keys(panel), keep="last")
            rows = rows.sort_values(_keys(panel), kind="stable")
            rows = rows[rows[_TIME].rank(method="dense", ascending=False) <= max(1, _KEPT // len(panel))]
            panel_of_rows(served.model, rows)  # what it cannot take is not kept
            self._rows[served.name] = rows
            self._found = {key: each for key, each in self._found.items() if key[0] != served.name}
        return {"model": served.name, "sha256": served.sha256, "rows": len(rows)}

    def drift(self, served: Served) -> Drift:
        """Whether the model still is what its test said, by the rows that were posted.

        Raises:
            DataError: They are too few.
            Refused: None were posted.
        """
        with self._lock:
            rows, known = self._rows.get(served.name), self._found.get((served.name, served.sha256))
        if known is not None:
            return known
        if rows is None:
            raise Refused(409, f"Drift is judged by outcomes. Received: none. POST /v1/models/{served.name}/outcomes.")
        panel = panel_of_rows(served.model, rows)
        if served.runtime != "onnx":
            with served.busy:
                found = drift_of(served.model, panel)
        else:
            found = drift_of(served.model, panel)
        with self._lock:
            if self._rows.get(served.name) is rows:
                self._found[served.name, served.sha256] = found
        return found

    def count(self, name: str) -> int:
        """How many rows of the model `name` were posted, of those that are kept."""
        with self._lock:
            rows = self._rows.get(name)
        return 0 if rows is None else len(rows)

    def with_training_rows(self, served: Served) -> pd.DataFrame:
        """The rows that were posted, after those that the model was made from where these are still at hand.

        Where they are not, only those rows that came later: an update takes nothing that begins within older rows.
        """
        with self._lock:
            rows = self._rows[served.name]
        earlier, record = kept_panel(served.model.manifest), served.model.manifest.data
        if earlier is None:
            dated = pd.api.types.is_datetime64_any_dtype(rows[_TIME].dtype)
            return rows if record is None else rows[rows[_TIME] > (parsed(record.end) if dated else record.end)]
        before = rows_of(with_columns_of(earlier, served.model.manifest))
        keys = [_ID, _TIME] if _ID in rows else [_TIME]
        return pd.concat([before, rows]).drop_duplicates(keys, keep="first").sort_values(keys, kind="stable")


_TIME, _ID = "date", "series id"


def _keys(panel: Panel) -> list[str]:
    return [_TIME] if panel.key is None else [_ID, _TIME]


def panel_of_rows(model: Model, rows: pd.DataFrame) -> Panel:
    """The panel that `rows_of` has made a table of."""
    given = {"id": _ID} if _ID in rows else {}
    calendar = model.manifest.config.data.calendar
    options = given | {"date_column": _TIME} | ({"calendar": calendar} if calendar else {})
    if not pd.api.types.is_datetime64_any_dtype(rows[_TIME].dtype):
        rows, options = rows.set_index(_TIME), given
    return model.panel_from(rows.reset_index(drop=_TIME in rows), **options)


def read_rows(model: Model, file: Path) -> pd.DataFrame:
    """Rows as `rows_of` gives them, from a CSV file of them."""
    static = zip(model.manifest.roles.static, model.manifest.members[0].covariates.static, strict=True)
    texts = [_ID, *(name for name, each in static if isinstance(each, Categories))]
    rows = pd.read_csv(file, dtype=dict.fromkeys(texts, str), keep_default_na=False)
    return rows if pd.api.types.is_numeric_dtype(rows[_TIME]) else rows.assign(date=pd.to_datetime(rows[_TIME]))


def rows_of(panel: Panel) -> pd.DataFrame:
    """The observed rows of a panel as a table: its columns without those that dates give."""
    given = [name for name in panel.columns if name not in panel.calendar_columns]
    frame = pd.DataFrame(panel.values[:, [panel.columns.index(name) for name in given]], columns=given)
    frame.insert(0, _TIME, panel.index)
    if panel.key is not None:
        lengths = panel.starts[1:] - panel.starts[:-1]
        frame.insert(0, _ID, panel.ids.repeat(lengths))
    for place, name in enumerate(panel.static_columns):
        if panel.static is None:
            continue
        names = panel.categories[place]
        values = panel.static[:, place]
        cells = [names[int(value)] for value in values] if names else values
        frame[name] = pd.Series(cells).repeat(panel.starts[1:] - panel.starts[:-1]).to_numpy()
    return frame
