"""The state of a training on disk: two generations, each whole, each with its hashes.

    checkpoint/00000012/arrays.npz    numbers, by name
    checkpoint/00000012/facts.json    what run it is, and how far it has come
    checkpoint/00000012/SHA256SUMS    of both, as `sha256sum -c` reads it

A generation is written in a folder of another name, synced, and renamed; the highest number is the newest. Order by
number, not by time, which a clock set back would turn round.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasforecast.config import Config
from kerasforecast.errors import InputError, OptionError, printable, shown
from kerasforecast.runtime.files import json_text, remove_folder, write_folder

STATES = "checkpoint"  # the folder of generations, in the run's own
FORMAT = 1
_KEPT = 2
_SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Generation:
    """One saved state.

    Attributes:
        facts: JSON: the run, and how far it has come.
        arrays: Numbers by name.
        notes: What a person should know of how it was found.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()


class Checkpoint:
    """The saved states of one run.

    Args:
        folder: Holds them, and nothing else.
        resumed: Whether what is there belongs to this run. If not, it stays until this run has saved a state.
    """

    def __init__(self, folder: Path, *, resumed: bool = False) -> None:
        self._folder = folder
        numbers = _numbers(folder)
        self._next = max(numbers, default=0) + 1
        self._ours = numbers if resumed else []

    def save(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write a new generation, then remove all but it and the one before.

        Raises:
            KerasForecastError: The disk refused it; the older ones are untouched.
        """
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        members = {
            "arrays.npz": buffer.getvalue(),
            "facts.json": json_text({"format": FORMAT, **facts}).encode(),
        }
        write_folder(self._folder / f"{self._next:08d}", members | {_SUMS: _sums(members)})
        self._ours = [*self._ours, self._next][-_KEPT:]
        self._next += 1
        for left in list(self._folder.iterdir()):
            if not left.name.isdigit() or int(left.name) not in self._ours:
                remove_folder(left)

    def discard(self) -> None:
        """Remove every generation: the run is over."""
        remove_folder(self._folder)


def newest(folder: Path) -> Generation:
    """The newest generation that is whole, with a note on each newer one that is not.

    Raises:
        InputError: There is none.
    """
    notes: list[str] = []
    for number in sorted(_numbers(folder), reverse=True):
        path = folder / f"{number:08d}"
        try:
            facts, arrays = _read(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            notes.append(f"{path} is damaged ({printable(str(error))}); going on from the one before.")
        else:
            return Generation(facts, arrays, tuple(notes))
    received = f"{len(notes)} damaged ones" if notes else "none"
    raise InputError(
        f"{folder}: a stopped run's checkpoint is needed to resume. Received: {received}. "
        "Run fit without --resume, with --name."
    )


def resumed_config(generation: Generation, options: dict[str, Any]) -> Config:
    """The configuration of the run that `generation` is of; `options`, where any are given, must be those it has.

    Raises:
        OptionError: They are not.
    """
    before: dict[str, Any] = generation.facts["run"]["config"]
    now = Config.model_validate(before).changed(**options)
    check_same(before, now.model_dump(mode="json"))
    return now


def check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare what a run was with what it would be; both nested, e.g. `{"training": {"units": 50}}`.

    Raises:
        OptionError: They differ; the message says in what.
    """
    old, new = dict(_flat(_json(before))), dict(_flat(_json(now)))
    changed = [
        f"{key} was {shown(old.get(key))}, is {shown(new.get(key))}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key) and key != "file"  # a table may lie elsewhere: its content is compared
    ]
    if changed:
        raise OptionError(
            f"--resume goes on with the same options and data. Received: {'; '.join(changed)}. "
            "Leave the options out, or run fit without --resume to start anew."
        )


def _json(values: Any) -> Any:
    """As JSON gives it back: tuples as lists."""
    return json.loads(json.dumps(values))


def _flat(values: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        found += _flat(value) if isinstance(value, dict) else [(key, value)]
    return found


def _numbers(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit() and len(path.name) == 8)
    return []


def _sums(members: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items()).encode()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    members = {name: (path / name).read_bytes() for name in ("arrays.npz", "facts.json")}
    if (path / _SUMS).read_bytes() != _sums(members):
        raise ValueError("it is not what was written")
    facts = json.loads(members["facts.json"])
    if facts.pop("format") != FORMAT:
        raise ValueError("it is of another release")
    with np.load(io.BytesIO(members["arrays.npz"]), allow_pickle=False) as arrays:
        return facts, dict(arrays)
