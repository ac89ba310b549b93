"""A request's body -> a panel, and a forecast -> an answer: what the routes of `/v1` speak."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.data.future import with_future
from kerasforecast.data.stamps import iso_texts
from kerasforecast.data.table.bytestream import Blob
from kerasforecast.data.table.text import read_text
from kerasforecast.errors import InputError, addressed, callers_words, shown
from kerasforecast.forecasting.forecast import quantile_column
from kerasforecast.sections.data import DataConfig
from kerasforecast.serving.limits import Limits, Refused
from kerasforecast.serving.plain import Columns

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.forecasting.forecast import Forecast
    from kerasforecast.model import Model
    from kerasforecast.serving.shelf import Served

FIELDS = ("history", "future", "steps", "paths", "options")
# How a table is to be read; what would have the server read a file or download is not among them.
OPTIONS = frozenset(
    {
        *("target", "date_column", "id", "series", "missing", "duplicates", "calendar", "separator", "decimal"),
        *("thousands", "date_format"),
    }
)
_PACKED = (b"\x1f\x8b", b"PK", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"7z\xbc\xaf")


@dataclass(frozen=True, eq=False)
class Asked:
    """What a request asks for.

    Attributes:
        history: A table: its columns, or text of CSV, which is yet to be read.
        future: What is known of the rows to be forecast, likewise; `None` where nothing was said.
        steps: Rows ahead.
        paths: Of each series, beside the forecast; 0 for none.
        options: How to read the history.
    """

    history: Columns | bytes
    future: Columns | bytes | None
    steps: int
    paths: int
    options: dict[str, Any]


def asked(body: bytes, kind: str, query: Mapping[str, str], limits: Limits) -> Asked:
    """Read the body of a request for a forecast, or of outcomes.

    Args:
        body: As received.
        kind: `json` or `csv`.
        query: Of the address: steps and options, where the body is CSV.
        limits: On rows and steps.

    Raises:
        Refused: It is no table, or beyond a limit.
    """
    if kind == "csv":
        given: dict[str, Any] = dict(query)
        steps, paths = given.pop("steps", 1), given.pop("paths", 0)
        return Asked(_csv(body, limits), None, _steps(steps, limits), _paths(paths), _options(given))
    try:
        found = parse_json(body, "The body")
    except InputError as error:
        raise Refused(400, str(error)) from None
    if not isinstance(found, dict) or "history" not in found:
        raise Refused(422, "The body must be an object with a history. Received: none.")
    unknown = sorted(found.keys() - set(FIELDS))
    if unknown:
        raise Refused(422, f"The body may have {', '.join(FIELDS)}. Received: {shown(unknown[0])}.")
    future = found.get("future")
    return Asked(
        _table(found["history"], "history", limits),
        None if future is None else _table(future, "future", limits),
        _steps(found.get("steps", 1), limits),
        _paths(found.get("paths", 0)),
        _options(found.get("options", {})),
    )


def panel_of(served: Served, request: Asked, limits: Limits) -> Panel:
    """The series of a request, checked as any table is.

    Raises:
        InputError: They cannot be read with certainty.
        Refused: They are too many.
    """
    history = request.history
    try:
        panel = served.plain.panel(history) if isinstance(history, dict) and not request.options else None
        panel = served.model.panel_from(_frame(history) if panel is None else panel, **request.options)
    except InputError as error:
        raise Refused(422, str(error).replace("DataFrame:", "history:", 1)) from None
    if len(panel) > limits.series:
        raise Refused(
            422, f"A request may have {limits.series:,} series. Received: {len(panel):,}. Send fewer at once."
        )
    return panel


def quick(served: Served, request: Asked) -> bool:
    """Whether the answer takes a few milliseconds: no text is to be understood, no forecast goes on from another."""
    if not isinstance(request.history, dict) or request.future is not None or request.options or request.paths:
        return False
    few = served.runtime == "onnx" and request.steps <= served.model.manifest.horizon
    return few and served.plain.take(request.history)


def answer(served: Served, request: Asked, limits: Limits) -> dict[str, Any]:
    """The forecast asked for.

    Returns:
        `model`, `sha256`, `target`, `levels`, `notes` and `series`: of each its `id` (`None` of a lone one), `dates`,
        `point`, `quantiles` by level, and `paths` where they were asked for.
    """
    model = served.model
    panel = panel_of(served, request, limits)
    if len(panel) * request.steps > limits.rows:
        raise Refused(
            422,
            f"An answer may have {limits.rows:,} rows. Received: {len(panel) * request.steps:,}. Ask for fewer steps.",
        )
    with served.busy if served.runtime == "keras" else contextlib.nullcontext():
        found, index = _following(model, request, panel)
        paths = drawn_paths(model, request, panel, limits) if request.paths else None
    dates, point = iso_texts(index), found.point.ravel().tolist()
    levels = (
        [] if found.quantiles is None else [quantile_column(level).removeprefix("q") for level in model.config.levels]
    )
    quantiles = [] if found.quantiles is None else np.moveaxis(found.quantiles, 2, 0).reshape(len(levels), -1).tolist()
    series = []
    for place in range(len(panel)):
        rows = slice(place * request.steps, (place + 1) * request.steps)
        series.append(
            {
                "id": None if panel.key is None else str(panel.ids[place]),
                "dates": dates[rows],
                "point": point[rows],
                "quantiles": {name: values[rows] for name, values in zip(levels, quantiles, strict=True)},
            }
            | ({} if paths is None else {"paths": paths[place].tolist()})
        )
    facts = {"model": served.name, "sha256": served.sha256, "target": model.manifest.target}
    return {
        **facts,
        "levels": list(model.config.levels) if levels else [],
        "notes": [addressed(note).replace("DataFrame:", "history:", 1) for note in panel.notes],
        "series": series,
    }


@callers_words()
def _following(model: Model, request: Asked, panel: Panel) -> tuple[Forecast, pd.Index]:
    """What `Model.forecast` says, as arrays."""
    if request.future is not None:
        ahead = max(request.steps, model.manifest.horizon)
        panel = with_future(panel, _frame(request.future), ahead, model.config.data.model_copy(update=request.options))
    return model.forecaster.following(panel, request.steps)


def drawn_paths(model: Model, request: Asked, panel: Panel, limits: Limits) -> np.ndarray:
    """Whole futures of each series, `(N, S, steps)`, each equally likely: the first of those that the network draws.

    Raises:
        Refused: The network draws none, not so many, or not so far ahead.
    """
    predictor = model.predictor
    if not predictor.paths:
        raise Refused(422, f"paths need a model that draws them, one of diffusion. Received: {model.manifest.name}.")
    if request.paths > predictor.paths or request.steps > predictor.horizon:
        raise Refused(
            422,
            f"paths may be {predictor.paths:,}, of {predictor.horizon:,} steps. "
            f"Received: {request.paths:,}, of {request.steps:,}.",
        )
    if len(panel) * request.steps * request.paths > limits.rows:
        raise Refused(422, f"Paths may have {limits.rows:,} values. Received: more. Ask for fewer.")
    if panel.known_columns and request.future is not None:
        ahead = max(request.steps, predictor.horizon)
        panel = with_future(panel, _frame(request.future), ahead, model.config.data.model_copy(update=request.options))
    windows, _ = model.forecaster.last_windows(panel, request.steps)
    found = [predictor.outputs(windows.batch(chunk)) for chunk in windows.chunks()]
    return np.concatenate(found)[:, : request.paths, : request.steps].astype(float)


def _csv(body: bytes, limits: Limits) -> bytes:
    if body.startswith(_PACKED):
        raise Refused(415, "A table is sent as text. Received: something packed.")
    if body.count(b"\n") > limits.rows + 1:
        raise Refused(413, f"A table may have {limits.rows:,} rows. Received: more.")
    if not body.strip():
        raise Refused(422, "The body must be a table. Received: nothing.")
    return body


def _frame(table: Columns | bytes) -> pd.DataFrame:
    if isinstance(table, dict):
        return pd.DataFrame(table)
    return read_text(Blob("history", content=table), DataConfig()).frame


def _table(given: object, name: str, limits: Limits) -> Columns | bytes:
    """Columns of a table, given as such or as rows of JSON; text is CSV."""
    if isinstance(given, str):
        return _csv(given.encode("utf-8", "replace"), limits)
    rule = f"{name} must be columns of one length, rows with one set of columns, or text of CSV"
    if isinstance(given, list):
        if not given or not all(isinstance(row, dict) and row.keys() == given[0].keys() for row in given):
            raise Refused(422, f"{rule}. Received: other rows.")
        given = {key: [row[key] for row in given] for key in given[0]}
    if not isinstance(given, dict) or not given or not all(isinstance(each, list) for each in given.values()):
        raise Refused(422, f"{rule}. Received: {type(given).__name__}.")
    lengths = {len(each) for each in given.values()}
    if len(lengths) > 1 or not min(lengths):
        raise Refused(422, f"{rule}. Received: {min(lengths):,} to {max(lengths):,} cells.")
    if max(lengths) > limits.rows or len(given) > 1_000:
        raise Refused(413, f"A table may have {limits.rows:,} rows of 1,000 columns. Received: more.")
    for key, cells in given.items():
        kinds = {type(cell) for cell in cells} - {type(None)}
        if not kinds <= {int, float} and not kinds <= {str}:
            raise Refused(422, f"{name}: cells of {shown(key)} must be all numbers or all texts. Received: others.")
        if any(isinstance(cell, int) and abs(cell) > 2**63 - 1 for cell in cells):
            raise Refused(422, f"{name}: cells of {shown(key)} must be numbers of 64 bits. Received: a larger one.")
    return given


def _steps(value: object, limits: Limits) -> int:
    found = _whole(value, 9)
    if found is None or not 1 <= found <= limits.steps:
        raise Refused(422, f"steps must be a whole number from 1 to {limits.steps:,}. Received: {shown(value)}.")
    return found


def _paths(value: object) -> int:
    found = _whole(value, 6)
    if found is None:
        raise Refused(422, f"paths must be a whole number. Received: {shown(value)}.")
    return found


def _whole(value: object, digits: int) -> int | None:
    """A number of at most so many digits, as JSON or an address has it; `None` where it is none."""
    text = str(value)
    plain = not isinstance(value, bool | float) and text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if plain else None


def _options(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Refused(422, f"options must be an object. Received: {type(given).__name__}.")
    unknown = sorted(given.keys() - OPTIONS)
    if unknown:
        raise Refused(422, f"options may be {', '.join(sorted(OPTIONS))}. Received: {shown(unknown[0])}.")
    return given


def csv_of(found: dict[str, Any]) -> str:
    """An answer as CSV, for those who asked with CSV and want no JSON."""
    parts = []
    for series in found["series"]:
        columns = {"date": series["dates"], "forecast": series["point"]}
        columns |= {f"q{level}": values for level, values in series["quantiles"].items()}
        frame = pd.DataFrame(columns)
        if series["id"] is not None:
            frame.insert(0, "id", series["id"])
        parts.append(frame)
    out = io.StringIO()
    pd.concat(parts).to_csv(out, index=False)
    return out.getvalue()
