"""Attempts on disk, a file each, whole or absent: an interrupted study goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from kerasforecast.runtime.files import atomic_write
from kerasforecast.tuning.record import Attempt


class Store:
    """The attempts of a study, by their keys.

    Args:
        folder: Made with the first one; where `None` they are kept in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._at_hand: dict[str, Attempt] = {}

    def load(self, key: str) -> Attempt | None:
        """The attempt of `key`, `None` where it is still to be made."""
        if self._folder is None:
            return self._at_hand.get(key)
        try:
            found = Attempt.model_validate_json(self._path(self._folder, key).read_bytes())
        except (OSError, ValidationError):  # absent, or damaged
            return None
        return found if found.key == key else None

    def save(self, attempt: Attempt) -> None:
        """Keep an attempt."""
        if self._folder is None:
            self._at_hand[attempt.key] = attempt
        else:
            atomic_write(self._path(self._folder, attempt.key), attempt.model_dump_json(indent=1).encode())

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / f"{key}.json"
