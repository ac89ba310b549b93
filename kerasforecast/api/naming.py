"""The name of what a run writes, where none is given: it never takes the place of another table's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.errors import InputError, OptionError
from kerasforecast.runtime.files import check_writable, user_path
from kerasforecast.runtime.names import name_from, safe_name

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel


def check_place(name: str | None, folder: Path | None) -> None:
    """Refuse a `name` that is none for files, and a `folder` that cannot be written to.

    Raises:
        OptionError: See above.
        KerasForecastError: Likewise.
    """
    if name is not None:
        safe_name(name)
    if folder is not None:
        check_writable(folder)


def default_model_name(panel: Panel, folder: Path) -> str:
    """The name of the model that learns `panel` and goes to `folder`: the panel's own.

    Raises:
        OptionError: A model of that name is there that came out of another table.
    """
    name = name_from(panel.name)
    path = folder / f"{name}.keras"
    if path.exists():
        _check_model(path, panel)
    return name


def default_walk_name(panel: Panel, folder: Path, kind: str) -> str:
    """The same of a backtest or a comparison, `kind`, whose results go to `folder/NAME/kind/`.

    Raises:
        OptionError: Results are there that came out of another table.
    """
    from kerasforecast.evaluation.walk import data_text

    name = name_from(panel.name)
    path = folder / name / kind / f"{kind}.json"
    try:
        data = str(json.loads(path.read_bytes())["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return name
    origin = data.rpartition(": ")[0]
    source, _, location = origin.partition(" ")
    if data != data_text(panel) and not _same(source, location, "", panel):
        raise _taken(path, _called(source, location), panel)
    return name


def default_each_name(panel: Panel, folder: Path) -> str:
    """The same of models of each series, which go to `folder/NAME/`.

    Raises:
        OptionError: Models of that name are there that came out of another table.
    """
    name = name_from(panel.name)
    for path in sorted((folder / name).glob("*.keras"))[:1]:
        _check_model(path, panel)
    return name


def _check_model(path: Path, panel: Panel) -> None:
    """Refuse to take the place of a model file that came out of another table."""
    from kerasforecast.artifact.reader import read_manifest

    try:
        record = read_manifest(path).data
    except InputError:
        raise _taken(path, "what cannot be read", panel) from None
    if record is None or not _same(record.source, record.location, record.sha256, panel):
        raise _taken(path, _called(record.source, record.location) if record else "another source", panel)


def _same(source: str, location: str, sha256: str, panel: Panel) -> bool:
    """Whether rows of `panel` come from where others came from, or are the very same."""
    if sha256 == panel.sha256:
        return True
    if source != panel.source.kind or source == "frame" or location == "-":
        return False
    if source == "file":
        return user_path(location).resolve() == user_path(panel.source.location).resolve()
    return location == panel.source.location


def _called(source: str, location: str) -> str:
    named = {"sample": "the embedded sample", "frame": "another DataFrame", "yahoo": f"ticker {location}"}
    return named.get(source, location if location != "-" else "standard input")


def _taken(path: Path, origin: str, panel: Panel) -> OptionError:
    received = "a DataFrame" if panel.source.kind == "frame" else _called(panel.source.kind, panel.source.location)
    return OptionError(
        f"{path} came out of {origin}, and is not replaced without its name. Received: {received}. Give --name."
    )
