"""Names that can serve as file names on any system and stay inside their folder."""

from __future__ import annotations

import re

from kerasforecast.errors import OptionError, shown

NAME_LIMIT = 100
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789")}


def safe_name(name: str) -> str:
    """Check that `name` can serve as a file name on any system and cannot leave its folder.

    Raises:
        OptionError: It has other characters than letters, digits, `.`, `_`, `-`, `^`, `=`, starts with a dot, is a
            device name, or is longer than 100 characters.
    """
    plain = re.fullmatch(r"[A-Za-z0-9_^=-][A-Za-z0-9._^=-]*", name)
    if not plain or len(name) > NAME_LIMIT or name.split(".")[0].lower() in _RESERVED or name.endswith("."):
        raise OptionError(
            f"--name must be at most {NAME_LIMIT} letters, digits, '.', '_' or '-', and no device name. "
            f"Received: {shown(name)}. Give another --name."
        )
    return name


def name_from(text: str) -> str:
    """The nearest safe name to `text` (a ticker, a file's stem); `"model"` where nothing is left."""
    kept = re.sub(r"[^A-Za-z0-9._^=-]+", "-", text).strip(".-")[:NAME_LIMIT].rstrip(".")
    return kept if kept and kept.split(".")[0].lower() not in _RESERVED else "model"
