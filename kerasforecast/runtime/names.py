"""Names that can serve as file names on any system and stay inside their folder."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import PurePath

from kerasforecast.errors import OptionError, shown

NAME_LIMIT = 100
_BYTE_LIMIT = 180  # of 255 that file systems take: endings and the names of temporary files come on top
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789")}
_KNOWN_ENDINGS = re.compile(
    r"(\.(csv|tsv|tab|txt|dat|parquet|pq|json|xlsx?|feather|arrow))?(\.(gz|gzip|xz|bz2|zip|zst))?$", re.IGNORECASE
)


def safe_name(name: str) -> str:
    """Check that `name` can serve as a file name on any system and cannot leave its folder.

    Raises:
        OptionError: It has other characters than letters and digits of any script, `.`, `_`, `-`, `^`, `=`, or letters
            that stand for others (fullwidth, taken apart), starts with a dot, is a device name, is longer than 100
            characters, or this file system cannot hold it.
    """
    plain = bool(name) and name[0] != "." and all(map(_allowed, name)) and _is_normal(name) and not _is_mark(name[0])
    if not plain or _is_long(name) or name.split(".")[0].lower() in _RESERVED or name.endswith("."):
        raise OptionError(
            f"--name must be at most {NAME_LIMIT} letters, digits, '.', '_' or '-', and no device name. "
            f"Received: {shown(name)}. Give another --name."
        )
    return name


def name_from(text: str) -> str:
    """The nearest safe name to `text` (a ticker, a file's stem); where no letter is left, `"model"` and a short hash.

    Letters that this file system cannot hold are left out; a short hash then tells such names apart.
    """
    normal = unicodedata.normalize("NFKC", text)
    kept = "".join(char if _allowed(char) else " " for char in normal)
    lost = not _encodable(kept)
    if lost:
        kept = "".join(char if char.isascii() else " " for char in kept)
    kept = re.sub(r" +", "-", kept).strip(".-")
    while kept and (_is_mark(kept[0]) or not _is_normal(kept)):  # without what stood before it
        kept = kept[1:].lstrip(".-")
    while _is_long(kept):
        kept = kept[:-1]
    kept = kept.rstrip(".")
    nameless = not kept or kept.split(".")[0].lower() in _RESERVED
    if text and (nameless or lost):
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return f"{'model' if nameless else kept[: NAME_LIMIT - 9]}-{digest}"
    return kept or "model"


def table_name(file: str) -> str:
    """What a table is called: its file's name without the endings of tables and archives, `BRK.A` of `BRK.A.csv`.

    That of standard input, `-`, is `series`.
    """
    if file == "-":
        return "series"
    name = PurePath(file).name
    return _KNOWN_ENDINGS.sub("", name) or name


def _allowed(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in "._^=-"
    return unicodedata.category(char)[0] in "LM" or unicodedata.category(char) == "Nd"


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _is_normal(name: str) -> bool:
    """Whether each letter has one spelling and stands for itself: no two names look alike to one system alone."""
    return name == unicodedata.normalize("NFKC", name) and _encodable(name)


def _encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _is_long(name: str) -> bool:
    return len(name) > NAME_LIMIT or len(name.encode("utf-8", "surrogatepass")) > _BYTE_LIMIT
