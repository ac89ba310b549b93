"""The zip container in the two forms we write: members in a fixed order, nothing before, between or after them, stored
or, of a model that was made smaller, all deflated.

A general reader has to decide what to do about overlapping members, names that differ between the two headers, sizes
that lie, hidden bytes. This one computes from each member's name, size and checksum what every other byte of the
archive must be, and compares. Of a deflated member no more is unpacked than a model file may hold. Layout: PKWARE
APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
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
SIZE_LIMIT = 192 * 2**20  # the largest network, and text beside it

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_MIDNIGHT, _FIRST_DAY = 0, 33  # 1980-01-01, the format's own zero: the same model gives the same archive
_OWNER_MAY_READ = 0o600 << 16
_SYSTEMS = (3, 0)  # Unix, which we write everywhere; Windows, where Python's own zip writer says so
_TAIL = 2**20
_DEFLATED = 8  # as the format numbers it; 0 is stored


@dataclass(frozen=True)
class _Entry:
    """One member's place in the archive, and with it its headers: of `size` bytes, of which `held` stand there."""

    name: bytes
    checksum: int
    size: int
    offset: int
    held: int
    method: int = 0

    @property
    def local(self) -> bytes:
        fixed = (b"PK\3\4", _VERSION, 0, self.method, _MIDNIGHT, _FIRST_DAY, self.checksum, self.held, self.size)
        return _LOCAL.pack(*fixed, len(self.name), 0) + self.name

    def central(self, system: int) -> bytes:
        made = (b"PK\1\2", system << 8 | _VERSION, _VERSION, 0, self.method, _MIDNIGHT, _FIRST_DAY)
        sizes = (self.checksum, self.held, self.size, len(self.name), 0, 0, 0, 0)
        return _CENTRAL.pack(*made, *sizes, _OWNER_MAY_READ, self.offset) + self.name

    @property
    def end(self) -> int:
        return self.offset + _LOCAL.size + len(self.name) + self.held


def pack(members: dict[str, bytes], *, deflated: bool = False) -> bytes:
    """The archive of `members` in their order, stored or `deflated`."""
    entries: list[_Entry] = []
    parts: list[bytes] = []
    for name, data in members.items():
        held, method = (_deflated(data), _DEFLATED) if deflated else (data, 0)
        offset = entries[-1].end if entries else 0
        entry = _Entry(name.encode(), zlib.crc32(data), len(data), offset, len(held), method)
        entries.append(entry)
        parts += [entry.local, held]
    return b"".join([*parts, _directory(entries, _SYSTEMS[0])])


def unpack(data: bytes, where: str) -> dict[str, memoryview]:
    """The members of an archive that `pack` could have written; views of `data` where they are stored.

    Args:
        data: The whole file.
        where: Its path, for messages.

    Raises:
        ArtifactError: It holds other members, or anything else that `pack` does not write, or more than any model.
    """
    view = memoryview(data)
    entries: list[_Entry] = []
    found: dict[str, memoryview] = {}
    method = _LOCAL.unpack_from(data)[3] if len(data) >= _LOCAL.size else 0
    alone = data[_LOCAL.size : _LOCAL.size + len(MANIFEST)] == MANIFEST.encode()
    for name in (MANIFEST,) if alone else MEMBERS:
        offset = entries[-1].end if entries else 0
        start = offset + _LOCAL.size + len(name)
        if start > len(data):
            raise _refusal(data, where)
        held, size = _LOCAL.unpack_from(data, offset)[7:9]
        member = view[start : start + held]
        if method == _DEFLATED:
            member = _inflated(member, min(size, SIZE_LIMIT - sum(entry.size for entry in entries)))
        entry = _Entry(name.encode(), zlib.crc32(member), len(member), offset, held, _DEFLATED if method else 0)
        if data[offset:start] != entry.local:
            raise _refusal(data, where)
        entries.append(entry)
        found[name] = member
    if view[entries[-1].end :] not in [_directory(entries, system) for system in _SYSTEMS]:
        raise _refusal(data, where)
    return found


def _deflated(data: bytes) -> bytes:
    packing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return packing.compress(data) + packing.flush()


def _inflated(held: memoryview, size: int) -> memoryview:
    """What `_deflated` made `held` of, if that has at most `size` bytes; nothing where it does not, or is none."""
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacking.decompress(held, max(size, 1))
    except zlib.error:
        data = b""
    return memoryview(data if unpacking.eof and not unpacking.unused_data else b"")


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
    return ArtifactError(
        f"{where}: must be a whole .keras file as it was written. Received: bytes that were altered or damaged, or "
        "that belong to no member. Copy or train it again."
    )
