"""Arrays of `model.weights.h5`: float32 datasets stored in one piece, in groups that list their names, and no more.

The HDF5 library reads links into other files, datasets spread over files, filters loaded as plug-ins, and a hundred
more things a weights file has no need of; and damaged files have crashed it. This reader knows the layout that h5py
writes unless told otherwise (HDF5 File Format Specification 3.0: superblock version 0, III.A.1 B-trees version 1, III.B
symbol tables, III.D local heaps, IV.A.1 object headers version 1). Every block may be visited once, so its work and
memory are bounded by the file's size.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from kerasforecast.errors import ArtifactError, shown

DEPTH_LIMIT = 8
NAME_LIMIT = 200

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_VERSIONS = bytes([0, 0, 0, 0, 0, 8, 8, 0])  # of superblock and parts; addresses and lengths of 8 bytes
# A number (class 1, version 1), little endian, 4 bytes: sign in bit 31, exponent of 8 bits from 23, bias 127.
_FLOAT32 = struct.pack("<B3sI2H4BI", 0x11, b"\x20\x1f\x00", 4, 0, 32, 23, 8, 0, 23, 127)

_NIL, _DATASPACE, _DATATYPE, _OLD_FILL, _FILL, _LAYOUT = 0x00, 0x01, 0x03, 0x04, 0x05, 0x08
_ATTRIBUTE, _CONTINUATION, _SYMBOL_TABLE, _MODIFIED = 0x0C, 0x10, 0x11, 0x12
_IN_GROUPS = {_NIL, _ATTRIBUTE, _CONTINUATION, _SYMBOL_TABLE}
_IN_DATASETS = {_NIL, _DATASPACE, _DATATYPE, _OLD_FILL, _FILL, _LAYOUT, _CONTINUATION, _MODIFIED}


class _Fault(Exception):
    """What is wrong, without the file's name."""


def read_arrays(data: bytes | memoryview, where: str) -> dict[str, np.ndarray]:
    """Every dataset by its path, e.g. `"layers/dense/vars/0"`: read-only views of `data`, nothing is copied.

    Raises:
        ArtifactError: The file holds anything but plain float32 datasets in plain groups, or is damaged.
    """
    try:
        file = _File(memoryview(data))
        return _unique(file.arrays(file.root(), ""))
    except _Fault as fault:
        raise ArtifactError(f"{where}: {fault} Train it again.") from None


class _File:
    """The bytes, and which of them have been visited."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._starts: list[int] = []
        self._ends: list[int] = []

    def root(self) -> tuple[int, bytes]:
        """The root group's object header and what its entry remembers of it."""
        block = self._take(0, 96)
        base, _, end, driver = struct.unpack_from("<4Q", block, 24)
        if block[:8] != _SIGNATURE or block[8:16] != _VERSIONS or (base, driver) != (0, _UNDEFINED):
            raise _Fault("its weights must be an HDF5 file as h5py writes it. Received: another kind of file.")
        if end != len(self._data):
            raise _Fault(f"its weights must have {end} bytes. Received: {len(self._data)}.")
        return self._entry(bytes(block[56:96]))[1:]

    def arrays(self, place: tuple[int, bytes], path: str, depth: int = 0) -> Iterator[tuple[str, np.ndarray]]:
        """Every dataset in and below the object at `place`."""
        header, cached = place
        messages = self._messages(header, path)
        kinds = {kind for kind, _ in messages}
        if _SYMBOL_TABLE in kinds and kinds <= _IN_GROUPS and depth <= DEPTH_LIMIT:
            table = _only(messages, _SYMBOL_TABLE, 16, path)
            if cached and cached != table:
                raise _Fault(f"its weights must name each group once. Received: {shown(path)} in two ways.")
            tree, heap = struct.unpack("<2Q", table)
            for name, child in self._members(tree, self._heap(heap), path):
                yield from self.arrays(child, f"{path}/{name}" if path else name, depth + 1)
        elif _SYMBOL_TABLE not in kinds and not cached and depth:
            yield path, self._array(messages, path)
        else:
            raise _Fault(f"its weights must be plain datasets in groups. Received: {shown(path)}.")

    def _array(self, messages: list[tuple[int, bytes]], path: str) -> np.ndarray:
        if not {kind for kind, _ in messages} <= _IN_DATASETS:
            raise _not_plain(path)
        shape = _shape(_only(messages, _DATASPACE, None, path), path)
        layout = _only(messages, _LAYOUT, 18, path)
        version, kind, address, size = struct.unpack("<2B2Q", layout)
        if _only(messages, _DATATYPE, len(_FLOAT32), path) != _FLOAT32 or (version, kind) != (3, 1):
            raise _not_plain(path)
        if size != 4 * math.prod(shape):
            raise _not_plain(path)
        return np.frombuffer(self._take(address, size), "<f4").reshape(shape)

    def _take(self, start: int, size: int) -> memoryview:
        """`size` bytes from `start`, which nothing else may use."""
        end = start + size
        if size == 0 or end > len(self._data):
            raise _Fault("its weights must lie within the file. Received: a place beyond its end.")
        slot = bisect_right(self._starts, start)
        before = self._ends[slot - 1] if slot else 0
        after = self._starts[slot] if slot < len(self._starts) else end
        if before > start or after < end:
            raise _Fault("its weights must not share bytes. Received: two parts in one place.")
        self._starts.insert(slot, start)
        self._ends.insert(slot, end)
        return self._data[start:end]

    def _entry(self, entry: bytes) -> tuple[int, int, bytes]:
        """Of a symbol table entry: where its name stands in the heap, its header, and its group's cached addresses."""
        name, header, cache, reserved, scratch = struct.unpack("<2Q2I16s", entry)
        if cache not in (0, 1) or reserved:  # 2 is a soft link
            raise _Fault("its weights must be plain datasets in groups. Received: a link.")
        return name, header, scratch if cache else b""

    def _messages(self, start: int, path: str) -> list[tuple[int, bytes]]:
        """The messages of the object header at `start` and of its continuations: kind and content."""
        version, reserved, count, _, size = struct.unpack_from("<2BH2I", self._take(start, 16))
        if (version, reserved) != (1, 0):
            raise _Fault(f"its weights must be plain datasets in groups. Received: {shown(path)}.")
        blocks, messages = [self._take(start + 16, size)], []
        for block in blocks:  # grows while it is read
            place = 0
            while place + 8 <= len(block):
                kind, length, flags = struct.unpack_from("<2HB", block, place)
                content = bytes(block[place + 8 : place + 8 + length])
                place += 8 + length
                if flags & 0x02 or len(content) != length:  # 0x02: it stands elsewhere, shared with others
                    raise _Fault(f"its weights must be plain datasets in groups. Received: {shown(path)}.")
                if kind == _CONTINUATION and length >= 16:
                    blocks.append(self._take(*struct.unpack_from("<2Q", content)))
                messages.append((kind, content))
        if len(messages) != count:
            raise _Fault(f"its weights must list what they hold. Received: {shown(path)} with another count.")
        return messages

    def _heap(self, start: int) -> memoryview:
        """The names of a group."""
        signature, version, size, _, address = struct.unpack("<4sB3x3Q", self._take(start, 32))
        if (signature, version) != (b"HEAP", 0):
            raise _Fault("its weights must keep their names in a heap. Received: something else.")
        return self._take(address, size)

    def _members(
        self, start: int, names: memoryview, path: str, above: int = DEPTH_LIMIT
    ) -> Iterator[tuple[str, tuple[int, bytes]]]:
        """Name and place of every member below one B-tree node."""
        signature, kind, level, used, _, _ = struct.unpack("<4s2BH2Q", self._take(start, 24))
        if (signature, kind) != (b"TREE", 0) or level >= above:
            raise _Fault(f"its weights must list their groups in a tree. Received: {shown(path)} without one.")
        if not used:
            return
        keys_and_children = struct.unpack(f"<{2 * used + 1}Q", self._take(start + 24, 8 * (2 * used + 1)))
        for child in keys_and_children[1::2]:
            if level:
                yield from self._members(child, names, path, level)
            else:
                yield from self._symbols(child, names)

    def _symbols(self, start: int, names: memoryview) -> Iterator[tuple[str, tuple[int, bytes]]]:
        signature, version, count = struct.unpack("<4sBxH", self._take(start, 8))
        if (signature, version) != (b"SNOD", 1) or not count:
            raise _Fault("its weights must list their groups in a tree. Received: something else.")
        block = self._take(start + 8, 40 * count)
        for place in range(0, 40 * count, 40):
            name, header, cached = self._entry(bytes(block[place : place + 40]))
            yield _name(names, name), (header, cached)


def _unique(arrays: Iterator[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path, array in arrays:
        if path in found:
            raise _Fault(f"its weights must have names of their own. Received: {shown(path)} twice.")
        found[path] = array
    return found


def _name(names: memoryview, start: int) -> str:
    text, end, _ = bytes(names[start : start + NAME_LIMIT + 1]).partition(b"\0")
    if not end or not text or not text.isascii() or b"/" in text or not text.decode().isprintable():
        raise _Fault(f"its weights must have plain names. Received: {shown(text)}.")
    return text.decode()


def _shape(message: bytes, path: str) -> tuple[int, ...]:
    """Of a dataspace message, version 1: sizes, and after them the largest sizes, which must be the same."""
    if len(message) < 8 or message[0] != 1 or message[2] not in (0, 1) or not 1 <= message[1] <= 4:
        raise _not_plain(path)
    rank, bounded = message[1], message[2]
    if len(message) < 8 + 8 * rank * (1 + bounded):
        raise _not_plain(path)
    shape = struct.unpack_from(f"<{rank}Q", message, 8)
    if bounded and struct.unpack_from(f"<{rank}Q", message, 8 + 8 * rank) != shape:
        raise _not_plain(path)
    return shape


def _only(
    messages: list[tuple[int, bytes]], wanted: int, size: int | None, path: str, *, padded: bool = False
) -> bytes:
    """The one message of a kind, cut to `size` bytes; messages are padded to multiples of 8."""
    found = [content for kind, content in messages if kind == wanted]
    if len(found) != 1 or (size is not None and not size <= len(found[0]) < size + 8):
        raise _not_plain(path)
    return found[0][:size]


def _not_plain(path: str) -> _Fault:
    return _Fault(f"{shown(path)} must be a plain float32 dataset. Received: another type, layout or storage.")
