"""Bytes of a file, of standard input or of an archive, read once, with the damage that only bytes show."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kerasforecast.data.table.archives import DAMAGE, unpacked
from kerasforecast.errors import DataError
from kerasforecast.runtime.files import user_path

PARQUET_MAGIC = b"PAR1"
MEBIBYTE = 1 << 20
# Tables of numbers compress 3 to 20 times; gzip's ceiling is 1,032. Small files may do what they like.
BOMB_RATIO = 100
BOMB_FLOOR = 256 * MEBIBYTE
LINE_LIMIT = MEBIBYTE
STDIN_LIMIT = 2048 * MEBIBYTE


@dataclass(frozen=True)
class Blob:
    """Bytes that can be opened again and again.

    Attributes:
        name: How messages call it: the path as the user gave it, or `standard input`.
        path: Where it lies, `None` if in memory.
        content: The bytes, where they are in memory.
    """

    name: str
    path: Path | None = None
    content: bytes = b""

    def open_raw(self) -> BinaryIO:
        """The bytes as stored."""
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.content)

    def open(self) -> BinaryIO:
        """The bytes decompressed and watched: see `Watched`."""
        return io.BufferedReader(Watched(self), MEBIBYTE)

    def head(self, size: int = 65_536) -> bytes:
        """The first `size` bytes, decompressed."""
        with self.open() as stream:
            return stream.read(size)

    def start(self, size: int) -> bytes:
        """The first bytes, decompressed, whatever they are."""
        with self.open_raw() as raw:
            try:
                return unpacked(raw, self.name)[0].read(size)
            except DAMAGE:
                return b""  # which reading the table refuses

    @property
    def stored_size(self) -> int:
        """Bytes as stored."""
        return self.path.stat().st_size if self.path is not None else len(self.content)

    @property
    def is_parquet(self) -> bool:
        """Whether the bytes start as Parquet files do."""
        with self.open_raw() as stream:
            return stream.read(4) == PARQUET_MAGIC


def open_blob(file: str) -> Blob:
    """The bytes of `file`, or of standard input where it is `-`.

    Raises:
        DataError: No such file, a folder, unreadable, or empty.
    """
    if file == "-":
        blob = Blob("standard input", content=sys.stdin.buffer.read(STDIN_LIMIT))
    else:
        blob = Blob(file, path=_existing(file))
    if blob.stored_size == 0:
        raise DataError(f"{blob.name}: expected a table. Received: an empty file. Give a file with a header and rows.")
    return blob


def _existing(file: str) -> Path:
    path = user_path(file)
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Check the path, or give --ticker to download.") from None
    except IsADirectoryError:
        raise DataError(f"{file}: expected a table. Received: a folder. Give the file inside it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL inside the path
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{file}: must be a file that can be read. Received: {reason}. Check its rights.") from None
    return path


class Watched(io.RawIOBase):
    """A raw stream that decompresses, and refuses what no table holds: NUL bytes, endless lines, bombs.

    Memory stays bounded by the size of a read, whatever the archive claims to hold.
    """

    def __init__(self, blob: Blob) -> None:
        self._raw = blob.open_raw()
        self._stream, self._packed = unpacked(self._raw, blob.name)
        self._blob = blob
        self._seen = 0
        self._open_line = 0  # bytes since the last line end
        self._wide = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`, checking what goes in."""
        try:
            chunk = self._stream.read(len(buffer))
        except DAMAGE as error:
            raise DataError(
                f"{self._blob.name}: expected a whole {self._packed or 'file'}. Received: {_reason(error)}. "
                "Copy or download the file again."
            ) from None
        if not self._seen:
            self._wide = is_utf16(chunk) is not None  # which has NULs by nature
        self._check(chunk)
        self._seen += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _check(self, chunk: bytes) -> None:
        nul = -1 if self._wide else chunk.find(b"\0")
        if nul >= 0:
            raise DataError(
                f"{self._blob.name}: row {self._row_at(self._seen + nul)}: expected text. Received: a NUL byte at byte "
                f"{self._seen + nul + 1:,}. Export the table again as CSV."
            )
        self._check_line(chunk)
        total = self._seen + len(chunk)
        if self._packed and total > BOMB_FLOOR and total > BOMB_RATIO * self._blob.stored_size:
            raise DataError(
                f"{self._blob.name}: must not unpack to more than {BOMB_RATIO} times its {self._blob.stored_size:,} "
                f"bytes. Received: more than {total:,} bytes. Unpack it and give the plain file."
            )

    def _check_line(self, chunk: bytes) -> None:
        line_end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r") if b"\n" not in chunk[:LINE_LIMIT] else -1)
        self._open_line = len(chunk) - line_end - 1 + (0 if line_end >= 0 else self._open_line)
        if self._open_line > LINE_LIMIT:
            row = self._row_at(self._seen + len(chunk) - 1)
            raise DataError(
                f"{self._blob.name}: row {row}: a row must be shorter than {LINE_LIMIT:,} bytes. Received: "
                f"a row of {self._open_line:,} bytes and more. Check that this is a table of one record a line."
            )

    def _row_at(self, position: int) -> int:
        """Line of the byte at `position`; read again, so that sound files need not be counted."""
        line = 1
        with self._blob.open_raw() as raw:
            stream, _ = unpacked(raw, self._blob.name)
            while position > 0 and (chunk := stream.read(min(MEBIBYTE, position))):
                line += chunk.count(b"\n")
                position -= len(chunk)
        return line

    def close(self) -> None:
        """Close both streams."""
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()


def is_utf16(head: bytes) -> str | None:
    """The UTF-16 codec that `head` is written in, by its mark or by the NULs beside plain letters; else `None`."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if head[:1] != b"\0" and head[1:2] == b"\0" and head[3:4] == b"\0" and head[2:3] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if head[:1] == b"\0" == head[2:3] and b"\0" not in (head[1:2], head[3:4]) else None


def _reason(error: Exception) -> str:
    return "the end of the file" if isinstance(error, EOFError) else str(error)
