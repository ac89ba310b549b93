"""The zip container in the one form we write: stored members in a fixed order, nothing before, between or after them.

A general reader has to decide what to do about overlapping members, names that differ between the two headers, sizes
that lie, hidden bytes. This one computes from each member's name, size and checksum what every other byte of the
archive must be, and compares. Layout: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from kerasforecast.errors import ArtifactError, shown

MANIFEST = "kerasforecast.json"
WEIGHTS = "model.weights.h5"
GRAPH = "config.json"
KERAS_MEMBERS = ("metadata.json", GRAPH, WEIGHTS)
MEMBERS = (*KERAS_MEMBERS, MANIFEST)  # of a network; what is none has the manifest alone

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_MIDNIGHT, _FIRST_DAY = 0, 33  # 1980-01-01, the format's own zero: the same model gives the same archive
_OWNER_MAY_READ = 0o600 << 16
_SYSTEMS = (3, 0)  # Unix, which we write everywhere; Windows, where Python's own zip writer says so
_TAIL = 2**20


@dataclass(frozen=True)
class _Entry:
    """One member's place in the archive, and with it its headers."""

    name: bytes
    checksum: int
    size: int
    offset: int

    @property
    def local(self) -> bytes:
        fixed = (b"PK\3\4", _VERSION, 0, 0, _MIDNIGHT, _FIRST_DAY, self.checksum, self.size, self.size)
        return _LOCAL.pack(*fixed, len(self.name), 0) + self.name

    def central(self, system: int) -> bytes:
        made = (b"PK\1\2", system << 8 | _VERSION, _VERSION, 0, 0, _MIDNIGHT, _FIRST_DAY)
        sizes = (self.checksum, self.size, self.size, len(self.name), 0, 0, 0, 0)
        return _CENTRAL.pack(*made, *sizes, _OWNER_MAY_READ, self.offset) + self.name

    @property
    def end(self) -> int:
        return self.offset + _LOCAL.size + len(self.name) + self.size


def pack(members: dict[str, bytes]) -> bytes:
    """The archive of `members`, stored, in their order."""
    entries: list[_Entry] = []
    parts: list[bytes] = []
    for name, data in members.items():
        entry = _Entry(name.encode(), zlib.crc32(data), len(data), entries[-1].end if entries else 0)
        entries.append(entry)
        parts += [entry.local, data]
    return b"".join([*parts, _directory(entries, _SYSTEMS[0])])


def unpack(data: bytes, where: str) -> dict[str, memoryview]:
    """The members of an archive that `pack` could have written, as views of `data`.

    Args:
        data: The whole file.
        where: Its path, for messages.

    Raises:
        ArtifactError: It holds other members, or anything else that `pack` does not write.
    """
    view = memoryview(data)
    entries: list[_Entry] = []
    alone = data[_LOCAL.size : _LOCAL.size + len(MANIFEST)] == MANIFEST.encode()
    for name in (MANIFEST,) if alone else MEMBERS:
        offset = entries[-1].end if entries else 0
        start = offset + _LOCAL.size + len(name)
        if start > len(data):
            raise _refusal(data, where)
        size = _LOCAL.unpack_from(data, offset)[8]
        entry = _Entry(name.encode(), zlib.crc32(view[start : start + size]), size, offset)
        if data[offset:start] != entry.local:
            raise _refusal(data, where)
        entries.append(entry)
    if view[entries[-1].end :] not in [_directory(entries, system) for system in _SYSTEMS]:
        raise _refusal(data, where)
    return {entry.name.decode(): view[entry.end - entry.size : entry.end] for entry in entries}


def _directory(entries: Sequence[_Entry], system: int) -> bytes:
    directory = b"".join(entry.central(system) for entry in entries)
    return directory + _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), entries[-1].end, 0)


def _refusal(data: bytes, where: str) -> ArtifactError:
    """The nearest thing to a reason why `data` is not what we write."""
    try:
        with zipfile.ZipFile(io.BytesIO(data[-_TAIL:])) as archive:  # reads the list of members, opens none
            entries = archive.infolist()
    except (zipfile.BadZipFile, struct.error, NotImplementedError, OSError, ValueError) as error:
        return ArtifactError(f"{where}: must be a whole .keras file. Received: {error}. Copy or train it again.")
    names = [entry.filename for entry in entries]
    if MANIFEST not in names and set(KERAS_MEMBERS) <= set(names):
        return ArtifactError(
            f"{where}: a Keras model without {MANIFEST} is not one of ours. If you trust it, make it one with "
            "`kerasforecast import-keras --trust-keras-file`, or train it with `kerasforecast fit`."
        )
    if sorted(names) not in (sorted(MEMBERS), [MANIFEST]):
        return ArtifactError(f"{where}: must hold {', '.join(MEMBERS)}. Received: {shown(names)}.")
    squeezed = [entry.filename for entry in entries if entry.compress_type or entry.compress_size != entry.file_size]
    if squeezed:
        return ArtifactError(f"{where}: members must be stored uncompressed. Received: {shown(squeezed[0])}.")
    return ArtifactError(
        f"{where}: must be a whole .keras file as it was written. Received: bytes that were altered or damaged, or "
        "that belong to no member. Copy or train it again."
    )
