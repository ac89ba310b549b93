"""JSON from a stranger: bounded before it is parsed, and every name in an object once."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from kerasforecast.errors import ArtifactError, shown

SIZE_LIMIT = 16 * 2**20
VALUE_LIMIT = 300_000  # a parsed value takes some 50 bytes and its fault, if any, some 700


def parse_json(text: bytes | memoryview, where: str) -> Any:
    """What `text` says.

    Args:
        text: UTF-8.
        where: The file and member it is from, for messages.

    Raises:
        ArtifactError: It is no JSON, is too long, nests too deep, has NaN or an infinity, or names a key twice.
    """
    text = bytes(text) if len(text) <= SIZE_LIMIT else b"," * (VALUE_LIMIT + 1)
    if sum(map(text.count, (b",", b"[", b"{"))) > VALUE_LIMIT:  # no fewer than it has values
        raise ArtifactError(f"{where}: must be JSON of at most {VALUE_LIMIT:,} values. Received: more.")
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{where}: must be JSON. Received: {shown(str(error), 200)}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a name twice among {shown(sorted(name for name, _ in pairs))}")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
