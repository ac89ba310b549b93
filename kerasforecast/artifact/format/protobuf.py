"""The wire format of protocol buffers, by which ONNX files are written: numbered fields, nothing skipped.

https://protobuf.dev/programming-guides/encoding. A general reader takes fields that nobody knows and merges those that
stand twice, so that two readers may see two messages in the same bytes. This one is told which fields there may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from kerasforecast.errors import ArtifactError

# Of each field by its number: a whole number, 4 bytes, or bytes (text, arrays, messages within); once or often.
Kind: TypeAlias = Literal["number", "four", "bytes"]
Fields: TypeAlias = Mapping[int, tuple[Kind, bool]]
Found: TypeAlias = dict[int, list[int | memoryview]]
_WIRE = {0: "number", 5: "four", 2: "bytes"}


def fields(data: memoryview, allowed: Fields, where: str) -> Found:
    """The fields of one message, by number, in their order.

    Args:
        data: The message.
        allowed: What it may hold: kind, and whether more than once.
        where: The file's path and the part of it, for messages.

    Raises:
        ArtifactError: It holds something else, or ends too early.
    """
    found: Found = {}
    place, value = 0, 0
    while place < len(data):
        tag, place = _varint(data, place, where)
        number, kind = tag >> 3, _WIRE.get(tag & 7)
        if number not in allowed:
            raise ArtifactError(f"{where} must hold what kerasforecast writes. Received: a field {number}.")
        wanted, often = allowed[number]
        packed = kind == "bytes" and wanted != "bytes" and often
        if (kind != wanted and not packed) or (number in found and not often):
            raise ArtifactError(f"{where} must hold what kerasforecast writes. Received: another field {number}.")
        given = found.setdefault(number, [])
        if kind == "number":
            value, place = _varint(data, place, where)
            given.append(value)
            continue
        size = 4
        if kind == "bytes":
            size, place = _varint(data, place, where)
        if place + size > len(data):
            raise ArtifactError(f"{where} must be whole. Received: it ends too early. Copy or export it again.")
        part = data[place : place + size]
        place += size
        given += _unpacked(part, wanted, where) if packed else [part]
    return found


def signed(value: int) -> int:
    """A whole number of 64 bits, negative ones too."""
    return value - 2**64 if value >= 2**63 else value


def _unpacked(part: memoryview, kind: Kind, where: str) -> list[int | memoryview]:
    """Several numbers that stand together."""
    if kind == "four":
        return [part[place : place + 4] for place in range(0, len(part), 4)]
    numbers: list[int | memoryview] = []
    place = 0
    while place < len(part):
        number, place = _varint(part, place, where)
        numbers.append(number)
    return numbers


def _varint(data: memoryview, place: int, where: str) -> tuple[int, int]:
    """A whole number of up to 10 bytes of 7 bits each, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), place
    raise ArtifactError(f"{where} must be whole. Received: a number that does not end. Copy or export it again.")
