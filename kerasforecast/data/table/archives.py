"""Archives that tables travel in: gzip, bzip2, xz, and zip with one file in it, by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from kerasforecast.errors import DataError, shown

MEBIBYTE = 1 << 20
# What `xz -9` writes takes 65 MiB to unpack; a header may ask for 4 GiB.
XZ_MEMORY = 256 * MEBIBYTE
DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Decompressor(Protocol):
    """What `bz2` and `lzma` have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the archive was met."""

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more without more bytes."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most so many of the bytes that `data` unpacks to."""


def unpacked(raw: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    """The bytes in `raw`, decompressed as they are read, and what kind of archive it is, `""` for none.

    Args:
        raw: An open file, at its start.
        name: How messages call it.

    Raises:
        DataError: A zip archive that does not hold one file, or is damaged.
    """
    start = raw.read(6)
    raw.seek(0)
    if start[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw)), "gzip archive"
    if start[:3] == b"BZh":
        return cast(BinaryIO, Unpacking(raw, bz2.BZ2Decompressor)), "bzip2 archive"
    if start == b"\xfd7zXZ\x00":
        return cast(BinaryIO, Unpacking(raw, lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY))), "xz archive"
    if start[:4] == b"PK\x03\x04":
        return _only_member(raw, name), "zip archive"
    return raw, ""


class Unpacking(io.RawIOBase):
    """A stream that unpacks archives, one after another, and never more at once than is read."""

    def __init__(self, raw: BinaryIO, make: Callable[[], Decompressor]) -> None:
        self._raw, self._make = raw, make
        self._unpacker = make()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of `buffer`; nothing at the end."""
        while True:
            if self._unpacker.eof:
                rest = self._unpacker.unused_data or self._raw.read(MEBIBYTE)
                if not rest.strip(b"\0"):  # archives may be padded
                    return 0
                self._unpacker = self._make()
            elif self._unpacker.needs_input:
                rest = self._raw.read(MEBIBYTE)
                if not rest:
                    raise EOFError
            else:
                rest = b""
            if found := self._unpacker.decompress(rest, len(buffer)):
                buffer[: len(found)] = found
                return len(found)


def _only_member(raw: BinaryIO, name: str) -> BinaryIO:
    try:
        archive = zipfile.ZipFile(raw)
        members = [each for each in archive.infolist() if not each.is_dir() and "__MACOSX" not in each.filename]
        if any(each.filename == "[Content_Types].xml" for each in members):
            raise DataError(f"{name}: expected a table as text. Received: an Excel workbook. Export it as CSV.")
        if len(members) != 1:
            raise DataError(
                f"{name}: expected one file in the zip archive. Received: {len(members)}, "
                f"{shown([each.filename for each in members[:3]], 100)}. Unpack it and give one of them."
            )
        return cast(BinaryIO, archive.open(members[0]))
    except DAMAGE as error:
        raise DataError(
            f"{name}: expected a whole zip archive without a password. Received: {shown(str(error))}. "
            "Copy or download the file again, or unpack it."
        ) from None
